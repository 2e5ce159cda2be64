// Scheduling policies: what each call answers to each policy, priority, process and user. Nobody has a real-time policy here.
#define _GNU_SOURCE
#include <stdio.h>
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/resource.h>
#include <time.h>
static void say(const char *what, long a) { if (a < 0) printf("%s: %s\n", what, strerrorname_np(errno)); else printf("%s: %ld\n", what, a); fflush(stdout); }
int main(void) {
  struct sched_param p = {0};
  char text[80];
  for (int policy = -1; policy < 7; policy++) {
    sprintf(text, "policy %d", policy);
    say(text, syscall(SYS_sched_get_priority_min, policy)); say(text, syscall(SYS_sched_get_priority_max, policy));
  }
  say("get", syscall(SYS_sched_getscheduler, 0)); say("get -1", syscall(SYS_sched_getscheduler, -1)); say("get none", syscall(SYS_sched_getscheduler, 4000000));
  say("param", syscall(SYS_sched_getparam, 0, &p)); say("param null", syscall(SYS_sched_getparam, 0, 0)); say("param bad", syscall(SYS_sched_getparam, 0, 1));
  say("param -1", syscall(SYS_sched_getparam, -1, &p)); say("param none", syscall(SYS_sched_getparam, 4000000, &p));
  for (int policy = -1; policy < 7; policy++) for (int priority = 0; priority < 2; priority++) {
    if ((policy == 1 || policy == 2) && priority) continue;
    p.sched_priority = priority; sprintf(text, "set %d %d", policy, priority);
    say(text, syscall(SYS_sched_setscheduler, 0, policy, &p)); say("get", syscall(SYS_sched_getscheduler, 0));
  }
  p.sched_priority = 0;
  say("setparam", syscall(SYS_sched_setparam, 0, &p)); p.sched_priority = 3; say("setparam 3", syscall(SYS_sched_setparam, 0, &p)); p.sched_priority = 0;
  say("setparam null", syscall(SYS_sched_setparam, 0, 0)); say("setparam -1", syscall(SYS_sched_setparam, -1, &p)); say("setparam none", syscall(SYS_sched_setparam, 4000000, &p));
  say("set null", syscall(SYS_sched_setscheduler, 0, 0, 0)); say("set bad", syscall(SYS_sched_setscheduler, 0, 0, 1)); say("set none", syscall(SYS_sched_setscheduler, 4000000, 0, &p)); say("set -5", syscall(SYS_sched_setscheduler, -5, 0, &p));
  struct timespec t;
  say("interval -1", syscall(SYS_sched_rr_get_interval, -1, &t)); say("interval none", syscall(SYS_sched_rr_get_interval, 4000000, &t)); say("interval bad", syscall(SYS_sched_rr_get_interval, 0, 1));
  say("interval", syscall(SYS_sched_rr_get_interval, 0, &t));
  say("reset", syscall(SYS_sched_setscheduler, 0, 3 | 0x40000000, &p)); setpriority(PRIO_PROCESS, 0, -4);
  if (!fork()) { say("child", syscall(SYS_sched_getscheduler, 0)); printf("nice %d\n", getpriority(PRIO_PROCESS, 0)); return 0; } wait(0);
  say("idle", syscall(SYS_sched_setscheduler, 0, 5, &p));
  pid_t root = getpid();
  if (!fork()) {
    say("child", syscall(SYS_sched_getscheduler, 0)); setpriority(PRIO_PROCESS, 0, 0);
    setresuid(1000, 1000, 1000);
    say("rise", syscall(SYS_sched_setscheduler, 0, 0, &p)); say("stay", syscall(SYS_sched_setscheduler, 0, 5, &p));
    say("another's", syscall(SYS_sched_setscheduler, root, 0, &p)); say("look", syscall(SYS_sched_getscheduler, root)); say("another's", syscall(SYS_sched_setparam, root, &p));
    unsigned long mask = 1; say("affinity", syscall(SYS_sched_setaffinity, root, 8, &mask)); say("affinity none", syscall(SYS_sched_setaffinity, 4000000, 8, &mask)); say("affinity none", syscall(SYS_sched_getaffinity, 4000000, 8, &mask) >= 0 ? 0 : -1);
    p.sched_priority = 1;
    say("real time", syscall(SYS_sched_setscheduler, 0, 1, &p)); say("real time", syscall(SYS_sched_setscheduler, 0, 2 , &p));
    return 0;
  }
  wait(0);
}
