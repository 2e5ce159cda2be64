// Single steps: which instructions a program that has set the trap flag is stopped after, over faults, calls and string instructions.
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

static long at[64];
static int codes[64];
static volatile int count;
extern char begin[], end[];
static void on(int s, siginfo_t *i, void *c) {
  greg_t *g = ((ucontext_t *)c)->uc_mcontext.gregs;
  if (count < 64) at[count] = g[REG_RIP] - (long)begin, codes[count] = i->si_code * 100 + ((long)i->si_addr == g[REG_RIP]) * 10 + g[REG_TRAPNO];
  count++;
}

int main(void) {
  struct sigaction sa = {.sa_sigaction = on, .sa_flags = SA_SIGINFO};
  sigaction(SIGTRAP, &sa, 0);
  char *page = mmap(0, 8192, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), from[4] = "abc";
  asm volatile(
    "pushf; orl $0x100, (%%rsp); popf; .globl begin; begin: nop; nop\n"
    "mov $1, %%eax; movb $7, (%0); movb $8, 4096(%0)\n"
    "mov %2, %%eax; syscall; nop; nop\n"
    "mov %1, %%rsi; mov %0, %%rdi; mov $3, %%ecx; rep movsb\n"
    "mov %%ss, %%eax; mov %%eax, %%ss; nop; nop\n"
    "pushf; andl $~0x100, (%%rsp); popf; .globl end; end: nop; nop"
    :: "r"(page), "r"(from), "i"(SYS_getpgrp) : "rax", "rcx", "rdx", "rsi", "rdi", "r11", "memory", "cc");
  printf("%d steps:", count);
  for (int i = 0; i < count && i < 64; i++) printf(" %ld/%d", at[i], codes[i]);
  printf("\nfirst %s, last %ld\n", page, (long)(end - begin));
}
