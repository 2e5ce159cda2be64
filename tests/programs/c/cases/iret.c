// IRET and far returns of a program: to the kernel's segments, to null selectors, with flags that only the kernel may change.
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>

static sigjmp_buf back;
static volatile int sig, code;
static volatile long err, trap;
static void on(int s, siginfo_t *i, void *c) {
  greg_t *g = ((ucontext_t *)c)->uc_mcontext.gregs;
  sig = s, code = i->si_code, err = g[REG_ERR], trap = g[REG_TRAPNO];
  siglongjmp(back, 1);
}
#define SHOW(name, x) do { sig = 0; if (!sigsetjmp(back, 1)) { x; } if (sig) printf("%s: signal %d code %d trap %ld err %lx\n", name, sig, code, trap, err); else printf("%s: no signal\n", name); } while (0)
#define IRET(ss, flags, cs) asm volatile("lea 1f(%%rip), %%rcx; mov %%rsp, %%rax; push %0; push %%rax; push %1; push %2; push %%rcx; iretq; 1:" :: "r"((long)(ss)), "r"((long)(flags)), "r"((long)(cs)) : "rax", "rcx", "memory", "cc")
#define LRET(cs) asm volatile("lea 1f(%%rip), %%rcx; push %0; push %%rcx; lretq; 1:" :: "r"((long)(cs)) : "rcx", "memory")
static unsigned long flags(void) { unsigned long f; asm volatile("pushf; pop %0" : "=r"(f)); return f; }
static void set_flags(unsigned long f) { asm volatile("push %0; popf" :: "r"(f) : "cc", "memory"); }

int main(void) {
  setvbuf(stdout, 0, _IOLBF, 0);
  static char stack[65536];
  stack_t ss = {.ss_sp = stack, .ss_size = sizeof stack};
  sigaltstack(&ss, 0);
  struct sigaction sa = {.sa_sigaction = on, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  int list[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
  for (int i = 0; i < 5; i++) sigaction(list[i], &sa, 0);
  SHOW("iret to the kernel", IRET(0x10, 0x202, 0x08));
  SHOW("iret, stack of the kernel", IRET(0x10, 0x202, 0x33));
  SHOW("iret, code of the kernel", IRET(0x2b, 0x202, 0x08));
  SHOW("iret, null stack", IRET(0, 0x202, 0x33));
  SHOW("iret, null code", IRET(0x2b, 0x202, 0));
  SHOW("iret, code as stack", IRET(0x33, 0x202, 0x33));
  SHOW("iret, stack as code", IRET(0x2b, 0x202, 0x2b));
  SHOW("iret, beyond the table", IRET(0x2b, 0x202, 0xfff3));
  SHOW("iret, a local table", IRET(0x2b, 0x202, 0x37));
  SHOW("iret to itself", IRET(0x2b, 0x202, 0x33));
  SHOW("iret with every flag", IRET(0x2b, 0x3b7ed7, 0x33));
  printf("iopl and if %lx\n", flags() & 0x3200);
  set_flags(0x202);
  SHOW("iret without if", IRET(0x2b, 0x2, 0x33));
  printf("iopl and if %lx\n", flags() & 0x3200);
  SHOW("iret with nt", ({ set_flags(0x4202); IRET(0x2b, 0x202, 0x33); }));
  set_flags(0x202);
  SHOW("far return to the kernel", LRET(0x08));
  SHOW("far return to data", LRET(0x2b));
  SHOW("far return to null", LRET(0));
  SHOW("far return to itself", LRET(0x33));
}
