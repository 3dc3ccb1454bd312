// The first process of every pod: keeps the pod's namespaces, reaps what is orphaned onto it, ends when asked.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void reap(int number) {
  (void)number;
  while (waitpid(-1, 0, WNOHANG) > 0) {
  }
}

static void end(int number) {
  (void)number;
  _exit(0);
}

int main(void) {
  struct sigaction on_child = {.sa_handler = reap, .sa_flags = SA_NOCLDSTOP};
  struct sigaction on_stop = {.sa_handler = end};
  if (sigaction(SIGCHLD, &on_child, 0) != 0 || sigaction(SIGTERM, &on_stop, 0) != 0 || sigaction(SIGINT, &on_stop, 0) != 0) {
    return 1;
  }
  for (;;) pause();
}
