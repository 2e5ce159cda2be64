// FUTEX_WAKE and a signal come to a waiter at the same time: as often as a wake says that it woke one, a wait answers 0
#define _GNU_SOURCE
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 20000 };

struct shared {
  int word, turn;
  long answered;
};
static struct shared *shared;

static void on(int signal) { (void)signal; }

static long futex(int operation, int value) {
  return syscall(SYS_futex, &shared->word, operation, value, 0, 0, 0);
}

static void run_on(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  sched_setaffinity(0, sizeof set, &set);
}

int main(void) {
  shared = mmap(0, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pid_t child = fork();
  run_on(child == 0);
  if (!child) {
    struct sigaction action = {.sa_handler = on};
    sigaction(SIGUSR1, &action, 0);
    while (!__atomic_load_n(&shared->word, __ATOMIC_SEQ_CST)) {
      __atomic_add_fetch(&shared->turn, 1, __ATOMIC_SEQ_CST);
      if (!futex(FUTEX_WAIT, 0)) shared->answered++;
    }
    return 0;
  }
  long woken = 0;
  for (int round = 0, seen = 0; round < ROUNDS; round++) {
    while (__atomic_load_n(&shared->turn, __ATOMIC_SEQ_CST) == seen) {
      woken += futex(FUTEX_WAKE, 1);
      sched_yield();
    }
    seen = __atomic_load_n(&shared->turn, __ATOMIC_SEQ_CST);
    kill(child, SIGUSR1);
    for (volatile int spin = round * 7919 % 40000; spin; spin--) {}
    woken += futex(FUTEX_WAKE, 1);
  }
  __atomic_store_n(&shared->word, 1, __ATOMIC_SEQ_CST);
  woken += futex(FUTEX_WAKE, 1);
  waitpid(child, 0, 0);
  printf("%s, %ld not answered\n", woken > 100 ? "woken often" : "hardly woken", woken - shared->answered);
}
