// Children return through signal frames of which random parts have been overwritten; whatever becomes of them, the machine and their
// parent go on. An argument is the first seed, another the number of children.
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static uint64_t state;
static uint64_t draw(void) { state ^= state << 13, state ^= state >> 7, state ^= state << 17; return state * 0x2545f4914f6cdd1d; }
static uint64_t value(uint64_t old) {
  static const uint64_t edges[] = {0, 1, 2, 3, 0x33, 0x2b, 0x23, 0x10, 0x202, 0x3f7fd7, 0x7ffffffff000, 0x7fffffffffff, 0x800000000000, 0xffff800000000000, 0xffffffff80000000, -1, -8, 1ull << 63, 0x46505853, 0x46505845, 0x1f80, 0xffff, 576, 512};
  switch (draw() % 5) {
  case 0: return edges[draw() % (sizeof edges / sizeof *edges)];
  case 1: return old ^ 1ull << draw() % 64;
  case 2: return old + (int64_t)(draw() % 8192) - 4096;
  case 3: return (old & ~0xffffffffull) | edges[draw() % (sizeof edges / sizeof *edges)];
  default: return draw();
  }
}

static void on(int s, siginfo_t *i, void *c) {
  uint64_t *frame = c, *fp = (uint64_t *)((ucontext_t *)c)->uc_mcontext.fpregs;
  for (int k = 1 + draw() % 3; k; k--) {
    // The frame's registers and addresses; the legacy area with its software words; the header; the rest.
    uint64_t *at[] = {frame + draw() % 37, fp + draw() % 64, fp + 58 + draw() % 6, fp + 64 + draw() % 8, fp + 64, fp + draw() % 104, frame + 5 + draw() % 20};
    uint64_t *word = at[draw() % 7];
    *word = value(*word);
  }
}

int main(int argc, char **argv) {
  uint64_t seed = argc > 1 ? strtoul(argv[1], 0, 0) : 1;
  int children = argc > 2 ? atoi(argv[2]) : 1000, fates[3] = {0};
  static char stack[65536];
  stack_t ss = {.ss_sp = stack, .ss_size = sizeof stack};
  sigaltstack(&ss, 0);
  struct sigaction sa = {.sa_sigaction = on, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  sigaction(SIGUSR1, &sa, 0);
  for (int n = 0; n < children; n++) {
    pid_t child = fork();
    if (!child) {
      state = (seed + n) * 0x9e3779b97f4a7c15 | 1;
      for (int i = 0; i < 4; i++) raise(SIGUSR1);
      _exit(0);
    }
    int s, waited = 0;
    while (waitpid(child, &s, WNOHANG) == 0) {
      struct timespec t = {0, waited < 100 ? 200000 : 5000000};
      nanosleep(&t, 0);
      // It may run in circles, with every signal blocked.
      if (++waited == 130) kill(child, SIGKILL);
    }
    fates[waited >= 130 ? 2 : WIFSIGNALED(s)]++;
  }
  fprintf(stderr, "%d went on, %d ended by signals, %d ran in circles\n", fates[0], fates[1], fates[2]);
  printf("%d children\n", fates[0] + fates[1] + fates[2]);
}
