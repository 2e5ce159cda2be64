// What /proc tells of a process and of the machine: values that the program knows itself, lines and fields that tools look for.
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

static char text[1 << 16];

static char *get(const char *name) {
  int f = open(name, O_RDONLY);
  long n, done = 0;
  while (f >= 0 && (n = read(f, text + done, sizeof text - 1 - done)) > 0)
    done += n;
  text[done] = 0;
  if (f >= 0)
    close(f);
  return text;
}

// The rest of the first line that begins so.
static char *line(const char *name, const char *start) {
  for (char *at = strtok(get(name), "\n"); at; at = strtok(0, "\n"))
    if (!strncmp(at, start, strlen(start)))
      return at + strlen(start);
  return "(none)";
}

static long number(const char *name, const char *start) { return strtol(line(name, start), 0, 0); }

// The letter that stat tells of a process.
static char state(pid_t pid) {
  char name[64];
  sprintf(name, "/proc/%d/stat", pid);
  char *end = strrchr(get(name), ')');
  return end ? end[2] : '-';
}

static int fields(const char *name) {
  int count = 0;
  char *end = strrchr(get(name), ')');
  for (char *at = strtok(end, " \n"); at; at = strtok(0, " \n"))
    count++;
  return count;
}

int main(void) {
  prctl(PR_SET_NAME, "odd ) name");
  printf("comm %s", get("/proc/self/comm"));
  printf("status name %s\n", line("/proc/self/status", "Name:\t"));
  printf("stat fields %d\n", fields("/proc/self/stat"));
  printf("state %s\n", line("/proc/self/status", "State:\t"));
  printf("pid %d\n", number("/proc/self/status", "Pid:") == getpid());
  printf("parent %d\n", number("/proc/self/status", "PPid:") == getppid());
  printf("threads %ld\n", number("/proc/self/status", "Threads:"));

  char *locked = mmap(0, 8 << 12, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  mlock(locked, 8 << 12);
  printf("locked %ld\n", number("/proc/self/status", "VmLck:"));
  char start[32];
  sprintf(start, "%08lx-", (unsigned long)locked);
  int in = 0, rss = -1, lock = -1;
  for (char *at = strtok(get("/proc/self/smaps"), "\n"); at; at = strtok(0, "\n")) {
    if (strchr(at, '-') && strchr(at, ':') > strchr(at, '-'))
      in = !strncmp(at, start, strlen(start));
    if (in && !strncmp(at, "Rss:", 4))
      rss = atoi(at + 4);
    if (in && !strncmp(at, "Locked:", 7))
      lock = atoi(at + 7);
  }
  printf("smaps %d %d\n", rss, lock);

  int memory = memfd_create("some memory", 0);
  if (ftruncate(memory, 4096))
    return 1;
  mmap(0, 4096, PROT_READ, MAP_SHARED, memory, 0);
  free(malloc(100000));
  char *maps = get("/proc/self/maps");
  printf("names %d %d %d\n", !!strstr(maps, "[heap]"), !!strstr(maps, "[stack]"), !!strstr(maps, "/memfd:some memory (deleted)"));

  signal(SIGUSR1, SIG_IGN);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  sigprocmask(SIG_BLOCK, &set, 0);
  raise(SIGUSR2);
  printf("blocked %s\n", line("/proc/self/status", "SigBlk:\t"));
  printf("ignored %s\n", line("/proc/self/status", "SigIgn:\t"));

  struct rlimit limit = {100, 200};
  setrlimit(RLIMIT_NOFILE, &limit);
  printf("limits%s\n", line("/proc/self/limits", "Max open files"));
  lseek(memory, 77, SEEK_SET);
  char name[64];
  sprintf(name, "/proc/self/fdinfo/%d", memory);
  printf("position %ld\n", number(name, "pos:"));
  sprintf(name, "/proc/self/task/%d/comm", getpid());
  printf("task %s", get(name));

  pid_t child = fork();
  if (!child) {
    pause();
    _exit(0);
  }
  while (state(child) != 'S')
    usleep(1000);
  printf("sleeps\n");
  kill(child, SIGSTOP);
  while (state(child) != 'T')
    usleep(1000);
  printf("is stopped\n");
  kill(child, SIGKILL);
  while (state(child) != 'Z')
    usleep(1000);
  printf("is a zombie\n");
  waitpid(child, 0, 0);
  printf("is gone: %c\n", state(child));

  printf("pid_max %d\n", atoi(get("/proc/sys/kernel/pid_max")) > getpid());
  printf("tainted %d\n", get("/proc/sys/kernel/tainted")[0] != 0);
  printf("core_pattern %d\n", strlen(get("/proc/sys/kernel/core_pattern")) > 1);
  printf("ostype %s", get("/proc/sys/kernel/ostype"));
  printf("pipe-max-size %s", get("/proc/sys/fs/pipe-max-size"));
  printf("pipe-user-pages-soft %s", get("/proc/sys/fs/pipe-user-pages-soft"));
  printf("max_map_count %s", get("/proc/sys/vm/max_map_count"));
  struct sysinfo info;
  sysinfo(&info);
  printf("memory %d\n", (unsigned long)number("/proc/meminfo", "MemTotal:") == info.totalram * info.mem_unit / 1024);
  printf("processors %d\n", number("/proc/stat", "processes ") > 0 && number("/proc/stat", "ctxt ") > 0 && number("/proc/stat", "btime ") > 0);
  printf("uptime %d\n", atof(get("/proc/uptime")) > 0);
  return 0;
}
