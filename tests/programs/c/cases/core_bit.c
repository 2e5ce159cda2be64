// The core-dump bit of a wait status: with each limit, for each kind of signal, and for processes that are not to be dumped.
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
  rlim_t limits[] = {0, 1, 4095, 4096, 1 << 20, RLIM_INFINITY};
  int list[] = {SIGABRT, SIGSEGV, SIGTERM, SIGKILL, SIGQUIT, SIGUSR1, SIGSYS, SIGXCPU, SIGALRM};
  chdir("/tmp");
  for (int l = 0; l < 6; l++) for (int i = 0; i < 9; i++) for (int dump = 1; dump >= 0; dump--) {
    pid_t child = fork();
    if (!child) {
      struct rlimit r = {limits[l], RLIM_INFINITY};
      setrlimit(RLIMIT_CORE, &r);
      if (!dump) prctl(PR_SET_DUMPABLE, 0);
      kill(getpid(), list[i]);
      pause();
    }
    siginfo_t info;
    int s;
    waitid(P_PID, child, &info, WEXITED | WNOWAIT);
    waitpid(child, &s, 0);
    printf("limit %ld signal %d dumpable %d: status %x code %d\n", (long)limits[l], list[i], dump, s, info.si_code);
  }
  unlink("core");
}
