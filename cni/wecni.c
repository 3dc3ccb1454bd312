/*
 * wecni: what a container runtime starts for a CNI call. It decides nothing: the CNI_* environment and stdin go to the
 * host's agent over a unix socket, and the agent's answer goes to stdout and into the exit code.
 *
 * Only when the agent is away does it answer by itself (CNI spec 1.1.0, "Error"):
 *   ADD, CHECK, GC  code 11, try again later
 *   DEL             writes the call to a folder (fsynced) from which the agent replays it, and succeeds
 *   STATUS          code 50, the plugin can't serve
 *   VERSION         the versions that the agent of this release speaks
 *
 * Frame to the agent: "WCN1", then CNI_COMMAND, CNI_CONTAINERID, CNI_NETNS, CNI_IFNAME, CNI_ARGS, CNI_PATH and stdin, each
 * as a 32-bit little-endian length (0xffffffff: not set) and its bytes. Frame back: exit code, length, bytes.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#ifndef WECNI_SOCKET
#define WECNI_SOCKET "/run/wcs/cni.sock"
#endif
#ifndef WECNI_TOMBSTONES
#define WECNI_TOMBSTONES "/var/lib/wcs/agent/tombstones"
#endif

enum {
  MAX_STDIN = 1024 * 1024,
  MAX_VARIABLE = 64 * 1024,
  MAX_REPLY = 4 * 1024 * 1024,
  ANSWER_TIMEOUT_S = 90,
  VARIABLES = 6,
};

static const char *const variables[VARIABLES] = {"CNI_COMMAND", "CNI_CONTAINERID", "CNI_NETNS",
                                                 "CNI_IFNAME",  "CNI_ARGS",        "CNI_PATH"};

/* write(2) until all is written. */
static int write_all(int fd, const void *data, size_t length) {
  const char *at = data;
  while (length > 0) {
    ssize_t n = write(fd, at, length);
    if (n < 0) {
      if (errno == EINTR) continue;
      return -1;
    }
    at += n;
    length -= (size_t)n;
  }
  return 0;
}

/* read(2) until `length` bytes are there; -1 when the stream ends before. */
static int read_all(int fd, void *data, size_t length) {
  char *at = data;
  while (length > 0) {
    ssize_t n = read(fd, at, length);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return -1;
    at += n;
    length -= (size_t)n;
  }
  return 0;
}

/* An error result of the CNI spec. `message` holds nothing that JSON would have to escape. */
static int fail(unsigned code, const char *message) {
  char text[512];
  int n = snprintf(text, sizeof text, "{\"cniVersion\":\"1.1.0\",\"code\":%u,\"msg\":\"%s\"}\n", code, message);
  if (n > 0) (void)!write_all(STDOUT_FILENO, text, (size_t)n);
  return 1;
}

struct frame {
  char *bytes;
  size_t length;
};

static void put(struct frame *frame, const void *data, size_t length) {
  memcpy(frame->bytes + frame->length, data, length);
  frame->length += length;
}

static void put_field(struct frame *frame, const char *data, uint32_t length) {
  uint32_t stored = data == NULL ? UINT32_MAX : length;
  put(frame, &stored, sizeof stored);
  if (data != NULL) put(frame, data, length);
}

/* Reads stdin to its end. Returns its length, -1 when it can't be read, -2 when it is too long. */
static ssize_t read_stdin(char *buffer) {
  size_t length = 0;
  for (;;) {
    ssize_t n = read(STDIN_FILENO, buffer + length, MAX_STDIN + 1 - length);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    if (n == 0) return (ssize_t)length;
    length += (size_t)n;
    if (length > MAX_STDIN) return -2;
  }
}

static int connect_agent(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  struct timeval timeout = {.tv_sec = ANSWER_TIMEOUT_S};
  (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
    close(fd);
    return -1;
  }
  return fd;
}

/* Asks the agent. Returns 0 and prints its answer when there is one; -1 when the agent is away. */
static int ask_agent(const char *path, const struct frame *frame, int *exit_code) {
  int result = -1;
  char *answer = NULL;
  int fd = connect_agent(path);
  if (fd < 0) return -1;
  uint32_t head[2];
  if (send(fd, frame->bytes, frame->length, MSG_NOSIGNAL) == (ssize_t)frame->length &&
      read_all(fd, head, sizeof head) == 0 && head[1] <= MAX_REPLY) {
    answer = malloc(head[1] + 1u);
    if (answer != NULL && read_all(fd, answer, head[1]) == 0) {
      *exit_code = head[0] == 0 ? 0 : 1;
      if (write_all(STDOUT_FILENO, answer, head[1]) != 0) *exit_code = 1;
      result = 0;
    }
  }
  free(answer);
  close(fd);
  return result;
}

/* Keeps a DEL for the agent: a file that is whole and durable before its name appears. */
static int leave_tombstone(const char *folder, const struct frame *frame) {
  struct timespec now;
  char name[64], draft[80];
  int result = -1;
  if (mkdir(folder, 0700) != 0 && errno != EEXIST) return -1;
  int directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return -1;
  if (clock_gettime(CLOCK_REALTIME, &now) == 0) {
    (void)snprintf(name, sizeof name, "%lld.%09ld-%ld.del", (long long)now.tv_sec, now.tv_nsec, (long)getpid());
    (void)snprintf(draft, sizeof draft, ".%s", name);
    int fd = openat(directory, draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0) {
      int kept = write_all(fd, frame->bytes, frame->length) == 0 && fsync(fd) == 0;
      if (close(fd) != 0) kept = 0;
      if (kept && renameat(directory, draft, directory, name) == 0 && fsync(directory) == 0) result = 0;
      else (void)unlinkat(directory, draft, 0);
    }
  }
  close(directory);
  return result;
}

static int answer_without_agent(const char *command, const struct frame *frame) {
  if (strcmp(command, "VERSION") == 0) {
    static const char text[] = "{\"cniVersion\":\"1.1.0\",\"supportedVersions\":[\"0.4.0\",\"1.0.0\",\"1.1.0\"]}\n";
    return write_all(STDOUT_FILENO, text, sizeof text - 1) == 0 ? 0 : 1;
  }
  if (strcmp(command, "STATUS") == 0) return fail(50, "the agent of this host does not answer");
  if (strcmp(command, "DEL") == 0) {
    const char *folder = getenv("WECNI_TOMBSTONES");
    if (leave_tombstone(folder != NULL ? folder : WECNI_TOMBSTONES, frame) == 0) return 0;
    return fail(11, "the agent of this host does not answer, and the DEL could not be kept for it");
  }
  return fail(11, "the agent of this host does not answer; try again later");
}

int main(void) {
  const char *values[VARIABLES];
  uint32_t lengths[VARIABLES];
  size_t total = 4;
  for (int i = 0; i < VARIABLES; i++) {
    values[i] = getenv(variables[i]);
    size_t length = values[i] == NULL ? 0 : strlen(values[i]);
    if (length > MAX_VARIABLE) return fail(4, "a CNI_ variable is longer than 65536 bytes");
    lengths[i] = (uint32_t)length;
    total += sizeof(uint32_t) + length;
  }
  if (values[0] == NULL || values[0][0] == '\0') return fail(4, "required env variables [CNI_COMMAND] missing");

  char *input = malloc(MAX_STDIN + 1);
  struct frame frame = {.bytes = malloc(total + sizeof(uint32_t) + MAX_STDIN)};
  if (input == NULL || frame.bytes == NULL) return fail(5, "no memory");
  /* VERSION takes nothing from stdin, and a runtime may leave it open. */
  ssize_t length = strcmp(values[0], "VERSION") == 0 ? 0 : read_stdin(input);
  if (length == -1) return fail(5, "stdin can't be read");
  if (length == -2) return fail(6, "the network configuration is longer than 1048576 bytes");

  put(&frame, "WCN1", 4);
  for (int i = 0; i < VARIABLES; i++) put_field(&frame, values[i], lengths[i]);
  put_field(&frame, input, (uint32_t)length);

  int exit_code = 1;
  const char *socket_path = getenv("WECNI_SOCKET");
  if (ask_agent(socket_path != NULL ? socket_path : WECNI_SOCKET, &frame, &exit_code) != 0) {
    exit_code = answer_without_agent(values[0], &frame);
  }
  free(input);
  free(frame.bytes);
  return exit_code;
}
