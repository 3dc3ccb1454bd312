/*
 * tcp-probe serve PORT             answers one-byte questions, and takes whatever is streamed at it
 * tcp-probe rtt ADDRESS PORT N     asks N times; prints each round trip in nanoseconds
 * tcp-probe rate ADDRESS PORT MS   streams for MS milliseconds; prints bytes and nanoseconds
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static char buffer[256 * 1024];

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void die(const char *what) {
  perror(what);
  exit(1);
}

static void serve(uint16_t port) {
  int on = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 8) != 0) die("listen");
  puts("ready");
  fflush(stdout);
  signal(SIGCHLD, SIG_IGN);
  for (;;) {
    int fd = accept(listener, NULL, NULL);
    if (fd < 0) continue;
    if (fork() == 0) {
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      for (ssize_t n; (n = read(fd, buffer, sizeof buffer)) > 0;)
        if (n == 1 && write(fd, buffer, 1) != 1) break;
      _exit(0);
    }
    close(fd);
  }
}

static int dial(const char *ip, uint16_t port) {
  int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  if (inet_pton(AF_INET, ip, &address.sin_addr) != 1 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) die("connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "serve") == 0) serve((uint16_t)atoi(argv[2]));
  if (argc != 5) return 2;
  int fd = dial(argv[2], (uint16_t)atoi(argv[3]));
  long amount = atol(argv[4]);
  if (strcmp(argv[1], "rtt") == 0) {
    for (long i = -200; i < amount; i++) {
      int64_t start = now();
      if (write(fd, "x", 1) != 1 || read(fd, buffer, 1) != 1) die("rtt");
      if (i >= 0) printf("%lld\n", (long long)(now() - start));
    }
    return 0;
  }
  int64_t start = now(), sent = 0;
  while (now() - start < amount * 1000000) {
    ssize_t n = write(fd, buffer, sizeof buffer);
    if (n < 0) die("rate");
    sent += n;
  }
  printf("%lld %lld\n", (long long)sent, (long long)(now() - start));
  return 0;
}
