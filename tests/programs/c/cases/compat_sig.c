// A handler starts as 64-bit code with its own stack and clean flags and vector state, whatever was interrupted.
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

struct __attribute__((packed)) far { unsigned offset; unsigned short selector; };
static volatile int caught;
static void on(int s, siginfo_t *i, void *c) {
  unsigned long flags, cs, ss;
  unsigned mxcsr;
  unsigned short fcw;
  asm volatile("pushf; pop %0; mov %%cs, %1; mov %%ss, %2; stmxcsr %3; fnstcw %4" : "=r"(flags), "=r"(cs), "=r"(ss), "=m"(mxcsr), "=m"(fcw));
  greg_t *g = ((ucontext_t *)c)->uc_mcontext.gregs;
  printf("signal %d: cs %lx ss %lx flags %lx mxcsr %x fcw %x; frame: cs %llx ss %llx df %lld nt %lld ac %lld\n", s, cs, ss, flags & 0x4700, mxcsr, fcw,
         g[REG_CSGSFS] & 0xffff, g[REG_CSGSFS] >> 48 & 0xffff, g[REG_EFL] >> 10 & 1, g[REG_EFL] >> 14 & 1, g[REG_EFL] >> 18 & 1);
  g[REG_EFL] &= ~0x44400;
  caught = s;
}

int main(void) {
  setvbuf(stdout, 0, _IOLBF, 0);
  static char stack[65536];
  stack_t ss = {.ss_sp = stack, .ss_size = sizeof stack};
  sigaltstack(&ss, 0);
  struct sigaction sa = {.sa_sigaction = on, .sa_flags = SA_ONSTACK | SA_SIGINFO};
  sigaction(SIGUSR1, &sa, 0);
  sigaction(SIGALRM, &sa, 0);
  unsigned mxcsr = 0x9fc0, was;
  unsigned short fcw = 0x27f, after;
  asm volatile("ldmxcsr %0; fldcw %1" :: "m"(mxcsr), "m"(fcw));
  kill(getpid(), SIGUSR1);
  asm volatile("stmxcsr %0; fnstcw %1" : "=m"(was), "=m"(after));
  printf("afterwards mxcsr %x fcw %x\n", was, after);
  // The direction and nested task flags are set while the timer fires.
  struct itimerval it = {.it_value = {0, 20000}};
  setitimer(ITIMER_REAL, &it, 0);
  caught = 0;
  asm volatile("pushf; push $0x4602; popf; 1: cmpl $0, %0; je 1b; popf" :: "m"(caught) : "cc", "memory");
  puts("done");
}
