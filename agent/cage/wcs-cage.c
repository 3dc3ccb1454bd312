/*
 * wcs-cage: joins a container's namespaces and a cgroup of its session, gives up every right that it is not told to keep, and becomes one
 * program there. It decides nothing: the agent says what, and whoever may ask for it was settled by the server.
 *
 *   wcs-cage [--cgroup FILE]... [--write PATH]... [--keep CAP_NUMBER]... [--env NAME=VALUE]... --pid PID --uid N --gid N
 *            [--group N]... [--cwd PATH] [--signals all] -- PROGRAM ARG...
 *   wcs-cage --probe
 *
 * Exit: the program's own status; 128+N when signal N ended it; 125 when the cage could not be built (said on stderr); 126 and 127 as shells do.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST 256
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ULL << 15)
#endif

static void fail(const char *what) {
  dprintf(2, "wcs-cage: %s: %s\n", what, strerror(errno));
  _exit(125);
}

static void refuse(const char *why) {
  dprintf(2, "wcs-cage: %s\n", why);
  _exit(125);
}

struct list {
  const char *item[MOST];
  int count;
};

static void add(struct list *list, const char *item) {
  if (list->count == MOST) refuse("too many values of one option");
  list->item[list->count++] = item;
}

static long number(const char *text) {
  char *end;
  errno = 0;
  long value = strtol(text, &end, 10);
  if (errno != 0 || end == text || *end != 0 || value < 0) refuse("a number is none");
  return value;
}

/* The rights over files that writing and removing need; what Landlock's version here does not know is left out. */
static unsigned long long write_rights(int abi) {
  unsigned long long rights = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                              LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                              LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
                              LANDLOCK_ACCESS_FS_MAKE_SYM;
  if (abi >= 2) rights |= LANDLOCK_ACCESS_FS_REFER;
  if (abi >= 3) rights |= LANDLOCK_ACCESS_FS_TRUNCATE;
  return rights;
}

static int landlock_abi(void) {
  return (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

static void allow(int rules, const char *path, unsigned long long rights) {
  struct stat status;
  int file = open(path, O_PATH | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0) {
    if (errno == ENOENT) return;
    fail(path);
  }
  if (fstat(file, &status) != 0) fail(path);
  if (!S_ISDIR(status.st_mode)) {
    rights &= LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE | LANDLOCK_ACCESS_FS_EXECUTE;
  }
  struct landlock_path_beneath_attr below = {.allowed_access = rights, .parent_fd = file};
  if (!S_ISLNK(status.st_mode) && syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &below, 0) != 0) fail(path);
  close(file);
}

/* Whether `path` is `other`, or lies above it. */
static int holds(const char *path, const char *other) {
  size_t length = strlen(path);
  return strncmp(path, other, length) == 0 && (other[length] == 0 || other[length] == '/');
}

/* Allows to run what lies in a folder, except where the session may write. Landlock's rules add up from parent to child, so that a
 * folder above a writable one is gone through entry by entry. */
static void allow_running(int rules, const char *folder, const struct list *writable, int depth) {
  DIR *entries = opendir(*folder ? folder : "/");
  if (entries == NULL) return;
  struct dirent *entry;
  while ((entry = readdir(entries)) != NULL) {
    char path[4096];
    int above = 0, is = 0;
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    if (snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) >= (int)sizeof path) continue;
    if (strcmp(path, "/proc") == 0 || strcmp(path, "/sys") == 0 || strcmp(path, "/dev") == 0) continue;
    for (int at = 0; at < writable->count; at++) {
      is |= holds(writable->item[at], path);
      above |= holds(path, writable->item[at]);
    }
    if (is) continue;
    if (!above) allow(rules, path, LANDLOCK_ACCESS_FS_EXECUTE);
    else if (depth < 16) allow_running(rules, path, writable, depth + 1);
  }
  closedir(entries);
}

/* Nothing may be written, made, cut off or removed but below the given paths, and nothing may be run there; reading is as it was. */
static void limit_files(const struct list *writable, int signals) {
  int abi = landlock_abi();
  if (abi < 3) refuse("this kernel's Landlock is missing or too old (version 3, Linux 6.2, is needed)");
  unsigned long long rights = write_rights(abi);
  /* Headers may be older than the kernel: the structure as of version 6. */
  struct {
    unsigned long long handled_access_fs, handled_access_net, scoped;
  } attr = {.handled_access_fs = rights | LANDLOCK_ACCESS_FS_EXECUTE};
  /* Bit 0: abstract unix sockets; bit 1: signals. Only to what the session itself started. */
  if (abi >= 6) attr.scoped = signals ? 1 : 3;
  int rules = (int)syscall(SYS_landlock_create_ruleset, &attr, abi >= 6 ? sizeof attr : 8, 0);
  if (rules < 0) fail("landlock_create_ruleset");
  for (int at = 0; at < writable->count; at++) allow(rules, writable->item[at], rights);
  allow_running(rules, "", writable, 0);
  if (syscall(SYS_landlock_restrict_self, rules, 0) != 0) fail("landlock_restrict_self");
  close(rules);
}

/* System calls that break a cage: programs without a file, other processes' memory, mounts, namespaces, kernel code, keys, file handles. */
static const int denied[] = {
    SYS_memfd_create, SYS_execveat, SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_pidfd_getfd,
    SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register, SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot,
    SYS_move_mount, SYS_open_tree, SYS_fsopen, SYS_fsconfig, SYS_fsmount, SYS_fspick, SYS_mount_setattr, SYS_unshare,
    SYS_setns, SYS_bpf, SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load, SYS_kexec_file_load,
    SYS_keyctl, SYS_add_key, SYS_request_key, SYS_userfaultfd, SYS_perf_event_open, SYS_open_by_handle_at,
    SYS_name_to_handle_at, SYS_swapon, SYS_swapoff, SYS_reboot, SYS_acct, SYS_quotactl, SYS_iopl, SYS_ioperm,
    SYS_memfd_secret, SYS_kcmp,
    /* What Landlock does not know: rights, owners and attributes of files that may not be written. */
    SYS_chmod, SYS_fchmod, SYS_fchmodat, 452 /* fchmodat2 */, SYS_chown, SYS_fchown, SYS_lchown, SYS_fchownat,
    SYS_setxattr, SYS_lsetxattr, SYS_fsetxattr, SYS_removexattr, SYS_lremovexattr, SYS_fremovexattr,
};
#define DENIED (sizeof denied / sizeof denied[0])
#define NEW_NAMESPACES \
  (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

static void limit_calls(void) {
  struct sock_filter code[DENIED * 2 + 20];
  unsigned int at = 0;
#define PUT(...) code[at++] = (struct sock_filter)__VA_ARGS__
#define ERRNO(number) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (number))
  PUT(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)));
  PUT(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0));
  PUT(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
  PUT(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
  /* x32 numbers name the same calls again. */
  PUT(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1));
  PUT(ERRNO(ENOSYS));
  /* clone3's flags lie in memory, where a filter can't look; the C libraries fall back to clone. */
  PUT(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1));
  PUT(ERRNO(ENOSYS));
  for (unsigned int each = 0; each < DENIED; each++) {
    PUT(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)denied[each], 0, 1));
    PUT(ERRNO(EPERM));
  }
  PUT(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3));
  PUT(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])));
  PUT(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, NEW_NAMESPACES, 0, 1));
  PUT(ERRNO(EPERM));
  PUT(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
  /* TIOCSTI puts bytes into a terminal's input as if they had been typed. */
  PUT(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 3));
  PUT(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])));
  PUT(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x5412, 0, 1));
  PUT(ERRNO(EPERM));
  PUT(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  struct sock_fprog program = {.len = (unsigned short)at, .filter = code};
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) fail("seccomp");
}

/* Keeps the capabilities that are both listed and held; the rest are gone for this process and whatever it becomes. */
static void limit_capabilities(const struct list *keep, int uid) {
  unsigned long long kept = 0;
  for (int at = 0; at < keep->count; at++) {
    long each = number(keep->item[at]);
    if (each > 63) refuse("there is no such capability");
    kept |= 1ULL << each;
  }
  for (int each = 0; each < 64; each++) {
    if (kept & (1ULL << each)) continue;
    if (prctl(PR_CAPBSET_DROP, each, 0, 0, 0) != 0 && errno != EINVAL) fail("capabilities");
  }
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) fail("ambient capabilities");
  if (uid != 0) return;
  struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  struct __user_cap_data_struct data[2];
  if (syscall(SYS_capget, &head, data) != 0) fail("capget");
  for (int half = 0; half < 2; half++) {
    unsigned int mask = (unsigned int)(kept >> (32 * half));
    data[half].permitted &= mask;
    data[half].effective = data[half].permitted;
    data[half].inheritable = 0;
  }
  if (syscall(SYS_capset, &head, data) != 0) fail("capset");
}

/* Makes what the session may write not executable, in a view of the mounts of its own: Landlock asks at execve only, while a loader
 * (`ld.so ./x`) maps a file's code without it, and mmap heeds the mount. */
static void forbid_running(const struct list *writable) {
  if (unshare(CLONE_NEWNS) != 0) fail("unshare");
  if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) fail("mount private");
  for (int at = 0; at < writable->count; at++) {
    const char *path = writable->item[at];
    struct stat status;
    struct statvfs system;
    if (lstat(path, &status) != 0 || !S_ISDIR(status.st_mode)) continue;
    if (statvfs(path, &system) != 0) fail(path);
    unsigned long flags = MS_REMOUNT | MS_BIND | MS_NOEXEC | MS_NOSUID | MS_NODEV;
    if (system.f_flag & ST_RDONLY) flags |= MS_RDONLY;
    if (system.f_flag & ST_NOATIME) flags |= MS_NOATIME;
    if (system.f_flag & ST_NODIRATIME) flags |= MS_NODIRATIME;
    /* A terminal's files are devices. */
    if (strcmp(path, "/dev/pts") == 0) flags &= ~(unsigned long)MS_NODEV;
    if (mount(path, path, NULL, MS_BIND, NULL) != 0) fail(path);
    if (mount(NULL, path, NULL, flags, NULL) != 0) fail(path);
  }
}

static volatile sig_atomic_t child_pid;
static void pass_on(int signal) {
  if (child_pid > 0) kill(child_pid, signal);
}

int main(int argc, char **argv) {
  struct list cgroups = {0}, writable = {0}, keep = {0}, environment = {0}, groups = {0};
  long pid = 0, uid = -1, gid = -1;
  const char *cwd = "/";
  int at = 1, signals = 0;
  if (argc == 2 && strcmp(argv[1], "--probe") == 0) {
    printf("{\"landlock\":%d}\n", landlock_abi() < 0 ? 0 : landlock_abi());
    return 0;
  }
  for (; at < argc && strcmp(argv[at], "--") != 0; at += 2) {
    const char *name = argv[at], *value = at + 1 < argc ? argv[at + 1] : NULL;
    if (value == NULL) refuse("an option has no value");
    if (strcmp(name, "--cgroup") == 0) add(&cgroups, value);
    else if (strcmp(name, "--write") == 0) add(&writable, value);
    else if (strcmp(name, "--keep") == 0) add(&keep, value);
    else if (strcmp(name, "--env") == 0) add(&environment, value);
    else if (strcmp(name, "--group") == 0) add(&groups, value);
    else if (strcmp(name, "--pid") == 0) pid = number(value);
    else if (strcmp(name, "--uid") == 0) uid = number(value);
    else if (strcmp(name, "--gid") == 0) gid = number(value);
    else if (strcmp(name, "--signals") == 0) signals = strcmp(value, "all") == 0;
    else if (strcmp(name, "--cwd") == 0) cwd = value;
    else refuse("there is no such option");
  }
  if (at >= argc - 1 || pid <= 1 || uid < 0 || gid < 0) refuse("--pid, --uid, --gid and -- PROGRAM are needed");
  char **program = argv + at + 1;

  /* The container must not reach this program's file through /proc/PID/exe (CVE-2019-5736), nor its memory. */
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) fail("prctl");
  if (close_range(3, ~0U, 0) != 0) fail("close_range");
  for (int each = 0; each < cgroups.count; each++) {
    int file = open(cgroups.item[each], O_WRONLY | O_CLOEXEC);
    if (file < 0 || write(file, "0", 1) != 1) fail(cgroups.item[each]);
    close(file);
  }

  static const char *const spaces[] = {"cgroup", "ipc", "uts", "net", "pid", "mnt"};
  int opened[6];
  for (int each = 0; each < 6; each++) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%ld/ns/%s", pid, spaces[each]);
    opened[each] = open(path, O_RDONLY | O_CLOEXEC);
    if (opened[each] < 0) fail(path);
  }
  for (int each = 0; each < 6; each++) {
    if (setns(opened[each], 0) != 0) fail(spaces[each]);
    close(opened[each]);
  }
  forbid_running(&writable);
  if (chdir(cwd) != 0 && chdir("/") != 0) fail("chdir");

  sigset_t all, before;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, &before);
  pid_t child = fork();
  if (child < 0) fail("fork");
  if (child > 0) {
    child_pid = child;
    struct sigaction action = {.sa_handler = pass_on, .sa_flags = SA_RESTART};
    for (int each = 1; each < 32; each++) {
      if (each != SIGKILL && each != SIGSTOP && each != SIGCHLD && each != SIGPIPE) sigaction(each, &action, NULL);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    /* The program's end is this one's; the streams are its own alone. */
    close(0);
    close(1);
    close(2);
    int status;
    while (waitpid(child, &status, 0) < 0) {
      if (errno != EINTR) _exit(125);
    }
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  }

  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  setsid();
  gid_t supplementary[MOST];
  for (int each = 0; each < groups.count; each++) supplementary[each] = (gid_t)number(groups.item[each]);
  if (setgroups((size_t)groups.count, supplementary) != 0) fail("setgroups");
  if (setresgid((gid_t)gid, (gid_t)gid, (gid_t)gid) != 0) fail("setresgid");
  /* The bounding set needs CAP_SETPCAP, which another user does not have any more. */
  if (uid == 0) limit_capabilities(&keep, 0);
  else {
    limit_capabilities(&keep, 1);
    if (setresuid((uid_t)uid, (uid_t)uid, (uid_t)uid) != 0) fail("setresuid");
  }
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail("no_new_privs");
  limit_files(&writable, signals);
  limit_calls();

  clearenv();
  for (int each = 0; each < environment.count; each++) putenv((char *)environment.item[each]);
  for (int each = 1; each < 32; each++) signal(each, SIG_DFL);
  sigprocmask(SIG_SETMASK, &before, NULL);
  execvp(program[0], program);
  dprintf(2, "wcs-cage: %s: %s\n", program[0], strerror(errno));
  _exit(errno == ENOENT ? 127 : 126);
}
