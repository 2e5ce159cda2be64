// Times at every extreme, given to every call that takes one: what is refused, what is kept, what is told of it, and that a wait of
// ages can be interrupted.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const int64_t edges[] = {0, 1, -1, 999999, 1000000, 999999999, 1000000000, 9223372036, 9223372037, INT64_MAX / 1000000, INT64_MAX, INT64_MIN};
enum { EDGES = sizeof edges / sizeof *edges };
static void nothing(int s) {}

// Interrupts what waits, and repeatedly, should the first come too early.
static void soon(void) {
  struct itimerval v = {{0, 5000}, {0, 5000}};
  setitimer(ITIMER_REAL, &v, 0);
}
static void no_more(void) {
  struct itimerval v = {};
  setitimer(ITIMER_REAL, &v, 0);
}
static const char *word(long r) { return r >= 0 ? "ok" : errno == EINTR ? "interrupted" : errno == EINVAL ? "invalid" : errno == ETIMEDOUT ? "late" : errno == EAGAIN ? "again" : "?"; }
#define LONG_WAIT(call) ({ soon(); long r = call; const char *w = word(r); no_more(); w; })

int main(void) {
  struct sigaction sa = {.sa_handler = nothing};
  sigaction(SIGALRM, &sa, 0);
  for (int i = 0; i < EDGES; i++) for (int j = 0; j < EDGES; j++) {
    // Sub-second sleeps would only take time.
    int64_t s = edges[i], n = edges[j];
    struct timespec ts = {s, n}, left = {-7, -7};
    struct timeval tv = {s, n};
    if (s == 1) continue;
    printf("%ld %ld:", (long)s, (long)n);
    struct itimerval v = {.it_interval = tv, .it_value = {INT64_MAX, 999999}}, was = {};
    long r = setitimer(ITIMER_REAL, &v, 0);
    printf(" interval %s", word(r));
    if (!r) { getitimer(ITIMER_REAL, &was); printf(" %ld.%06ld, %d", was.it_interval.tv_sec, was.it_interval.tv_usec, was.it_value.tv_sec > 9000000000); }
    no_more();
    if (s > 1 || s < 0 || n < 0 || n >= 1000000) {
      v = (struct itimerval){.it_value = tv};
      r = setitimer(ITIMER_REAL, &v, 0);
      printf(" value %s", word(r));
      if (!r) { getitimer(ITIMER_REAL, &was); printf(" %d", was.it_value.tv_sec > 9000000000); }
      no_more();
    }
    if (s == 0 && n == 999999999) { puts(""); continue; }
    printf(" nanosleep %s", LONG_WAIT(syscall(SYS_nanosleep, &ts, &left)));
    printf(" left %s", left.tv_sec == -7 ? "none" : left.tv_sec > 9000000000 ? "ages" : "some");
    left.tv_sec = -7;
    printf(" monotonic %s", LONG_WAIT(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &ts, &left)));
    printf(" absolute %s", LONG_WAIT(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, 0)));
    printf(" date %s", LONG_WAIT(syscall(SYS_clock_nanosleep, CLOCK_REALTIME, TIMER_ABSTIME, &ts, 0)));
    struct timespec copy = ts;
    printf(" ppoll %s", LONG_WAIT(syscall(SYS_ppoll, 0, 0, &copy, 0, 8)));
    copy = ts;
    printf(" pselect %s", LONG_WAIT(syscall(SYS_pselect6, 0, 0, 0, 0, &copy, 0)));
    struct timeval tcopy = tv;
    printf(" select %s", LONG_WAIT(syscall(SYS_select, 0, 0, 0, 0, &tcopy)));
    int f = 0;
    printf(" futex %s", LONG_WAIT(syscall(SYS_futex, &f, 0, 0, &ts, 0, 0)));
    printf(" until %s", LONG_WAIT(syscall(SYS_futex, &f, 9, 0, &ts, 0, -1)));
    printf(" dated %s", LONG_WAIT(syscall(SYS_futex, &f, 9 | 256, 0, &ts, 0, -1)));
    uint64_t set = 1 << (SIGUSR2 - 1);
    printf(" sigtimedwait %s", LONG_WAIT(syscall(SYS_rt_sigtimedwait, &set, 0, &ts, 8)));
    puts("");
  }
  for (int t = -2; t < 3; t++) printf("poll %d: %s\n", (int[]){INT32_MIN, -1, 0, 1, INT32_MAX}[t + 2], LONG_WAIT(poll(0, 0, (int[]){INT32_MIN, -1, 0, 1, INT32_MAX}[t + 2])));
  unsigned ages[] = {0, 1, INT32_MAX, UINT32_MAX};
  for (int i = 0; i < 4; i++) printf("alarm %u:", ages[i]), alarm(ages[i]), printf(" %u\n", alarm(0));
  close(open("/tmp/times", O_CREAT | O_RDWR, 0600));
  for (int j = 0; j < EDGES; j++) {
    struct timespec two[2] = {{5, edges[j]}, {INT64_MAX / 4, 7}};
    printf("utimensat %ld: %s\n", (long)edges[j], word(syscall(SYS_utimensat, AT_FDCWD, "/tmp/times", two, 0)));
  }
  unlink("/tmp/times");
  // The clocks of alarms are there only where the hardware has one.
  for (int c = -1; c < 14; c++) if (c != 8 && c != 9) { struct timespec t; printf("clock %d: %s %s\n", c, word(syscall(SYS_clock_gettime, c, &t)), word(syscall(SYS_clock_getres, c, &t))); }
}
