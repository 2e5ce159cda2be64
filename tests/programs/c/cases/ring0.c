// Every way from ring 3 to ring 0 that has a right answer on Linux: gates, privileged instructions, flags that only the kernel may
// change, segment bases. Each attempt ends in a signal or without effect, and the machine goes on.
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

static sigjmp_buf back;
static volatile int sig, code;
static volatile long err, trap;
static void on(int s, siginfo_t *i, void *c) {
  greg_t *g = ((ucontext_t *)c)->uc_mcontext.gregs;
  sig = s, code = i->si_code, err = g[REG_ERR], trap = g[REG_TRAPNO];
  siglongjmp(back, 1);
}
#define TRY(x) (sig = 0, sigsetjmp(back, 1) ? 1 : ({ x; 0; }))
#define SHOW(name, x) do { TRY(x); if (sig) printf("%s: signal %d code %d trap %ld err %lx\n", name, sig, code, trap, err); else printf("%s: no signal\n", name); } while (0)

static unsigned char *page;
static void run(const void *bytes, int n) { memcpy(page, bytes, n); page[n] = 0xc3; ((void (*)(void))page)(); }

static unsigned long flags(void) { unsigned long f; asm volatile("pushf; pop %0" : "=r"(f)); return f; }
static void set_flags(unsigned long f) { asm volatile("push %0; popf" :: "r"(f) : "cc", "memory"); }

static void interrupts(void) {
  int others = 0;
  for (int n = 0; n < 256; n++) {
    if (n == 0x80) continue; // Linux's 32-bit calls
    unsigned char b[2] = {0xcd, n};
    TRY(run(b, 2));
    if (n == 3 || n == 4) printf("int %d: signal %d code %d trap %ld err %lx\n", n, sig, code, trap, err);
    // The error code names the gate; QEMU doubles the number.
    else if (sig != SIGSEGV || code != 128 || trap != 13 || (err & 7) != 2) others++, printf("int %d: signal %d err %lx\n", n, sig, err);
  }
  printf("int n: %d wrong\n", others);
}

static void privileged(void) {
  static const struct { const char *name, *bytes; int n; } list[] = {
    {"hlt", "\xf4", 1}, {"cli", "\xfa", 1}, {"sti", "\xfb", 1}, {"in", "\xec", 1}, {"out", "\xee", 1},
    {"in 0x80", "\xe4\x80", 2}, {"out 0x80", "\xe6\x80", 2}, {"insb", "\x6c", 1}, {"outsb", "\x6e", 1},
    {"lgdt", "\x0f\x01\x10", 3}, {"lidt", "\x0f\x01\x18", 3}, {"lldt", "\x0f\x00\xd0", 3}, {"ltr", "\x0f\x00\xd8", 3},
    {"mov from cr0", "\x0f\x20\xc0", 3}, {"mov to cr0", "\x0f\x22\xc0", 3}, {"mov to cr3", "\x0f\x22\xd8", 3}, {"mov to cr4", "\x0f\x22\xe0", 3}, {"mov to cr8", "\x44\x0f\x22\xc0", 4},
    {"mov from dr7", "\x0f\x21\xf8", 3}, {"mov to dr7", "\x0f\x23\xf8", 3}, {"rdmsr", "\x0f\x32", 2}, {"wrmsr", "\x0f\x30", 2},
    {"xsetbv", "\x0f\x01\xd1", 3}, {"invd", "\x0f\x08", 2}, {"wbinvd", "\x0f\x09", 2},
    {"clts", "\x0f\x06", 2}, {"lmsw", "\x0f\x01\xf0", 3}, {"invlpg", "\x0f\x01\x38", 3}, {"swapgs", "\x0f\x01\xf8", 3},
    {"sysret", "\x48\x0f\x07", 3}, {"sysret 32", "\x0f\x07", 2}, 
    {"into", "\xce", 1}, {"ud2", "\x0f\x0b", 2}, {"int3", "\xcc", 1},
  };
  for (unsigned i = 0; i < sizeof list / sizeof *list; i++) SHOW(list[i].name, run(list[i].bytes, list[i].n));
}

// Processors and emulators differ in the exception, and Linux answers SYSENTER in 64-bit code as a 32-bit call.
static void differing(void) {
  TRY(run("\xf1", 1));
  printf("int1: %s\n", sig == SIGTRAP || sig == SIGILL ? "signal" : "?");
  TRY(run("\x48\x0f\x35", 3));
  printf("sysexit: %s\n", sig == SIGSEGV || sig == SIGILL ? "signal" : "?");
  TRY(run("\x0f\x01\xc8", 3));
  printf("monitor: %s\n", sig == SIGSEGV || sig == SIGILL ? "signal" : "?");
  TRY(run("\x0f\x33", 2));
  printf("rdpmc: %s\n", sig == SIGSEGV || sig == SIGILL ? "signal" : "?");
  TRY(run("\x0f\x01\xd8", 3));
  printf("vmrun: %s\n", sig == SIGSEGV || sig == SIGILL ? "signal" : "?");
}

static void selectors(void) {
  // The selectors of the kernel's own segments cannot be loaded, whatever their numbers; the user's and null ones can.
  SHOW("mov ds, kernel data", asm volatile("mov %0, %%ds" :: "r"(0x10)));
  SHOW("mov es, kernel code", asm volatile("mov %0, %%es" :: "r"(0x08)));
  SHOW("mov ss, kernel data", asm volatile("mov %0, %%ss" :: "r"(0x10)));
  SHOW("mov ss, null", asm volatile("mov %0, %%ss" :: "r"(0)));
  SHOW("mov ss, ldt", asm volatile("mov %0, %%ss" :: "r"(0x2f)));
  SHOW("mov gs, far beyond", asm volatile("mov %0, %%gs" :: "r"(0xfff8)));
  SHOW("mov ds, user data", asm volatile("mov %0, %%ds; mov %1, %%ds" :: "r"(0x2b), "r"(0)));
  SHOW("mov ss, user data", asm volatile("mov %0, %%ss" :: "r"(0x2b)));
}

static void flag_bits(void) {
  set_flags(0x3f7fd7 & ~0x100 & ~0x40000);
  unsigned long f = flags();
  set_flags(0x202);
  printf("popf sets %lx\n", f & 0x3f7fd7);
  // NT, DF and AC stay with the program and do not disturb the kernel.
  char b[600];
  memset(b, 'x', sizeof b);
  int p[2];
  pipe(p);
  long n, ret;
  unsigned long after;
#define CALL(f, nr, a, b, c) ({ asm volatile("push %3; popf; syscall; pushf; pop %1; push $0x202; popf" : "=a"(ret), "=r"(after) : "0"((long)nr), "r"((unsigned long)f), "D"((long)(a)), "S"((long)(b)), "d"((long)(c)) : "rcx", "r11", "memory", "cc"); ret; })
  for (int i = 0; i < 4; i++) {
    unsigned long set = 0x202 | (unsigned long[]){0x4000, 0x400, 0x40000, 0x44400}[i];
    n = CALL(set, SYS_write, p[1], b, 600);
    printf("flags %lx: wrote %ld, then %lx,", set, n, after & 0x47600);
    n = CALL(set, SYS_read, p[0], b, 600);
    printf(" read %ld, same pid %d,", n, CALL(set, SYS_getpid, 0, 0, 0) == getpid());
    printf(" bad %ld\n", CALL(set, SYS_write, p[1], 8, 600));
  }
}

static void bases(void) {
  printf("arch_prctl: %ld", syscall(SYS_arch_prctl, 0x1001, 0x0000800000000000UL));
  printf(" %ld", syscall(SYS_arch_prctl, 0x1001, 0xffff800000000000UL));
  printf(" %ld", syscall(SYS_arch_prctl, 0x1001, 0x1234567800000000UL));
  printf(" %ld errno %d\n", syscall(SYS_arch_prctl, 0x1002, 0x7ffffffff000UL), errno);
  printf("clone with a bad thread pointer: %ld errno %d\n", syscall(SYS_clone, SIGCHLD | 0x80000, 0, 0, 0, 0x7ffffffff000UL), errno);
  // FS:0 through a null selector, and a base that a program sets to what the kernel uses.
  int s;
  if (!fork()) { syscall(SYS_arch_prctl, 0x1001, 0x7fffffffe000UL); for (volatile int i = 0; i < 20000000; i++); sched_yield(); _exit(3); }
  wait(&s);
  printf("strange gs: %x\n", s);
}
int main(void) {
  setvbuf(stdout, 0, _IOLBF, 0);
  static char stack[65536];
  stack_t ss = {.ss_sp = stack, .ss_size = sizeof stack};
  sigaltstack(&ss, 0);
  struct sigaction sa = {.sa_sigaction = on, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  int list[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
  for (int i = 0; i < 5; i++) sigaction(list[i], &sa, 0);
  page = mmap(0, 4096, 7, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  interrupts();
  privileged();
  differing();
  selectors();
  flag_bits();
  bases();
  puts("done");
}
