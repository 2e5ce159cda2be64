// What rt_sigreturn takes of a frame, and what it refuses: registers, flags, selectors, the alternative stack, and vector state that
// the processor would fault on.
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

static int which;
static unsigned char *fp(ucontext_t *u) { return (unsigned char *)u->uc_mcontext.fpregs; }
static uint32_t *sw(ucontext_t *u) { return (uint32_t *)(fp(u) + 464); }
static uint64_t *header(ucontext_t *u) { return (uint64_t *)(fp(u) + 512); }
static uint32_t *mxcsr(ucontext_t *u) { return (uint32_t *)(fp(u) + 24); }
static unsigned char *moved(ucontext_t *u, int by) {
  static unsigned char *room;
  if (!room) room = mmap(0, 1 << 16, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memcpy(room + by, fp(u), sw(u)[4] + 4);
  return room + by;
}

static const char *const names[] = {
  "untouched", "rip not canonical", "rip of the kernel", "rip beyond the end", "rip null", "rsp of the kernel",
  "flags all set", "flags all clear", "cs null", "cs kernel", "cs data", "ss null", "ss kernel", "ss code", "ss null, not strict",
  "no vector state", "vector state of the kernel", "vector state not canonical", "vector state unmapped", "vector state misaligned by 16", "vector state misaligned by 8", "vector state elsewhere",
  "mxcsr reserved", "mxcsr unmasked", "bv reserved", "bv all", "compact", "compact, bit 0", "header reserved", "header end", "bv empty",
  "magic1 wrong", "magic1 wrong, mxcsr reserved", "magic2 wrong", "size small", "size large", "size beyond extended", "no components",
  "mask of everything", "stack wraps", "stack small", "stack strange flags", "trap flag",
};
enum { COUNT = sizeof names / sizeof *names };

static void on(int s, siginfo_t *i, void *c) {
  ucontext_t *u = c;
  greg_t *g = u->uc_mcontext.gregs;
  switch (which) {
  case 1: g[REG_RIP] = 0x1234567800000000; break;
  case 2: g[REG_RIP] = 0xffffffff80000000; break;
  case 3: g[REG_RIP] = 0x7ffffffff000; break;
  case 4: g[REG_RIP] = 0; break;
  case 5: g[REG_RSP] = 0xffff800000001000; break;
  case 6: g[REG_EFL] = -1 & ~0x40100; break;
  case 7: g[REG_EFL] = 0; break;
  case 8: g[REG_CSGSFS] &= ~0xffffLL; break;
  case 9: g[REG_CSGSFS] = (g[REG_CSGSFS] & ~0xffffLL) | 0x10; break;
  case 10: g[REG_CSGSFS] = (g[REG_CSGSFS] & ~0xffffLL) | 0x2b; break;
  case 11: g[REG_CSGSFS] &= 0xffffffffffffLL; break;
  case 12: g[REG_CSGSFS] = (g[REG_CSGSFS] & 0xffffffffffffLL) | 0x10LL << 48; break;
  case 13: g[REG_CSGSFS] = (g[REG_CSGSFS] & 0xffffffffffffLL) | 0x33LL << 48; break;
  case 14: g[REG_CSGSFS] &= 0xffffffffffffLL; u->uc_flags &= ~4; break;
  case 15: u->uc_mcontext.fpregs = 0; break;
  case 16: u->uc_mcontext.fpregs = (void *)0xffff800000001000; break;
  case 17: u->uc_mcontext.fpregs = (void *)0x1234567800000000; break;
  case 18: u->uc_mcontext.fpregs = (void *)0x10000; break;
  case 19: u->uc_mcontext.fpregs = (void *)moved(u, 16); break;
  case 20: u->uc_mcontext.fpregs = (void *)moved(u, 8); break;
  case 21: u->uc_mcontext.fpregs = (void *)moved(u, 64); break;
  case 22: *mxcsr(u) |= 0x80000000; break;
  case 23: *mxcsr(u) = 0x1f80 & ~0x80; break;
  case 24: header(u)[0] |= 1ull << 62; break;
  case 25: header(u)[0] = -1; break;
  case 26: header(u)[1] = 1ull << 63; header(u)[2] = 1; break;
  case 27: header(u)[1] = 1; break;
  case 28: header(u)[2] = 1; break;
  case 29: header(u)[7] = 1; break;
  case 30: header(u)[0] = 0; break;
  case 31: sw(u)[0] = 1; break;
  case 32: sw(u)[0] = 1; *mxcsr(u) |= 0x80000000; break;
  case 33: *(uint32_t *)(fp(u) + sw(u)[4]) = 0; break;
  case 34: sw(u)[4] = 512; break;
  case 35: sw(u)[4] += 64; sw(u)[1] += 64; break;
  case 36: sw(u)[1] = 0; break;
  case 37: sw(u)[2] = sw(u)[3] = 0; break;
  case 38: memset(&u->uc_sigmask, -1, 8); break;
  case 39: u->uc_stack.ss_sp = (void *)-4096L; u->uc_stack.ss_size = 1 << 20; u->uc_stack.ss_flags = 0; break;
  case 40: u->uc_stack.ss_size = 5; u->uc_stack.ss_flags = 0; break;
  case 41: u->uc_stack.ss_flags = 77; break;
  case 42: g[REG_EFL] |= 0x100; break;
  }
}
static void fault(int s, siginfo_t *i, void *c) {
  greg_t *g = ((ucontext_t *)c)->uc_mcontext.gregs;
  char text[200];
  unsigned m;
  asm volatile("stmxcsr %0" : "=m"(m));
  write(1, text, sprintf(text, "signal %d code %d addr %lx trap %lld err %llx rip %llx rsp %d mxcsr %x\n", s, i->si_code, g[REG_TRAPNO] == 14 ? (long)i->si_addr : -1L, g[REG_TRAPNO], g[REG_ERR],
    g[REG_RIP] > 0x7f0000000000 || g[REG_RIP] < 0x400000 || g[REG_RIP] < 0 ? g[REG_RIP] : 1, g[REG_RSP] == 0x1234567800000000 || g[REG_RSP] < 0, m));
  _exit(9);
}

static void child(void) {
  static char stack[65536], own[65536];
  stack_t ss = {.ss_sp = stack, .ss_size = sizeof stack};
  sigaltstack(&ss, 0);
  struct sigaction sa = {.sa_sigaction = fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  int list[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE};
  for (int i = 0; i < 5; i++) sigaction(list[i], &sa, 0);
  sa.sa_sigaction = on, sa.sa_flags = SA_SIGINFO;
  sigaction(SIGUSR1, &sa, 0);
  // Something to lose: xmm3, the x87 control word, MXCSR.
  double three = 3, got = 0;
  unsigned m = 0x9f80, mm;
  unsigned short cw = 0x27f, cww;
  unsigned long flags;
  asm volatile("movsd %[three], %%xmm3; ldmxcsr %[m]; fldcw %[cw]; mov %[nr], %%eax; mov %[pid], %%edi; mov %[sig], %%esi; syscall;"
    "pushf; pop %[flags]; push $0x202; popf; movsd %%xmm3, %[got]; stmxcsr %[mm]; fnstcw %[cww]; cld"
    : [got] "=m"(got), [mm] "=m"(mm), [cww] "=m"(cww), [flags] "=&r"(flags)
    : [three] "m"(three), [m] "m"(m), [cw] "m"(cw), [nr] "i"(62), [pid] "r"(getpid()), [sig] "i"(SIGUSR1)
    : "rax", "rdi", "rsi", "rcx", "r11", "xmm3", "memory", "cc");
  m = 0x1f80;
  asm volatile("ldmxcsr %0; fninit" :: "m"(m));
  stack_t now;
  sigaltstack(0, &now);
  sigset_t mask;
  sigprocmask(0, 0, &mask);
  printf("goes on: xmm3 %g mxcsr %x fcw %x flags %lx mask %lx stack %d %d %zu\n", got, mm, cww, flags & 0x7f00, *(long *)&mask, now.ss_sp == stack, now.ss_flags, now.ss_size);
  fflush(stdout);
  _exit(0);
}

int main(void) {
  setvbuf(stdout, 0, _IOLBF, 0);
  for (which = 0; which < COUNT; which++) {
    printf("%s: ", names[which]);
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) child();
    int s;
    waitpid(pid, &s, 0);
    if (s && s != 0x900) printf("status %x\n", s);
  }
}
