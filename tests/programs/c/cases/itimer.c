// Timers at their extremes do not spin: an interval that is next to never, and one of a microsecond whose signal is ignored, blocked
// or handled; the program gets on with its work all the time.
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int count;
static void on(int s) { count++; }
static void work(const char *what) {
  for (int i = 0; i < 5; i++) usleep(1000);
  for (volatile int i = 0; i < 1000000; i++);
  printf("%s: went on\n", what);
  fflush(stdout);
}

int main(void) {
  struct itimerval ages = {{INT64_MAX, 0}, {0, 2000}}, often = {{0, 1}, {0, 1}}, was;
  signal(SIGALRM, SIG_IGN);
  printf("set %d\n", setitimer(ITIMER_REAL, &ages, 0));
  work("an interval of ages, ignored");
  signal(SIGALRM, on);
  setitimer(ITIMER_REAL, &ages, 0);
  work("an interval of ages, handled");
  getitimer(ITIMER_REAL, &was);
  printf("came %d time, next in ages: %d\n", count, was.it_value.tv_sec > 9000000000);
  signal(SIGALRM, SIG_IGN);
  setitimer(ITIMER_REAL, &often, 0);
  work("every microsecond, ignored");
  sigset_t set;
  sigemptyset(&set), sigaddset(&set, SIGALRM), sigprocmask(SIG_BLOCK, &set, 0);
  signal(SIGALRM, on);
  setitimer(ITIMER_REAL, &often, 0);
  work("every microsecond, blocked");
  count = 0;
  sigprocmask(SIG_UNBLOCK, &set, 0);
  while (count < 50);
  setitimer(ITIMER_REAL, &(struct itimerval){}, 0);
  work("every microsecond, handled");
  puts("done");
}
