// Segment selectors and bases belong to a program: two processes that take turns on one core see their own, a new program null ones.
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void show(const char *who) {
  unsigned ds, es, fs, gs;
  asm volatile("mov %%ds, %0; mov %%es, %1; mov %%fs, %2; mov %%gs, %3" : "=r"(ds), "=r"(es), "=r"(fs), "=r"(gs));
  unsigned long base;
  syscall(SYS_arch_prctl, 0x1004, &base);
  printf("%s: ds %x es %x fs %x gs %x base %lx\n", who, ds, es, fs, gs, base);
  fflush(stdout);
}

int main(int argc, char **argv) {
  if (argc > 1) { show("new program"); return 0; }
  int to[2], from[2];
  pipe(to), pipe(from);
  show("at first");
  char c = 0;
  if (!fork()) {
    asm volatile("mov %0, %%ds; mov %1, %%es; mov %2, %%gs" :: "r"(0x2b), "r"(0x2a), "r"(0x29));
    for (int i = 0; i < 20; i++) {
      read(to[0], &c, 1);
      unsigned ds, es, gs;
      asm volatile("mov %%ds, %0; mov %%es, %1; mov %%gs, %2" : "=r"(ds), "=r"(es), "=r"(gs));
      // A processor sets the privilege level of a selector that it loads as it was asked.
      if ((ds & ~3) != 0x28 || (es & ~3) != 0x28 || (gs & ~3) != 0x28) printf("lost: %x %x %x\n", ds, es, gs), fflush(stdout);
      write(from[1], &c, 1);
    }
    syscall(SYS_arch_prctl, 0x1001, 0x123456789000UL);
    show("child");
    if (!fork()) { show("grandchild"); execl("/proc/self/exe", argv[0], "again", (char *)0); _exit(1); }
    wait(0);
    _exit(0);
  }
  for (int i = 0; i < 20; i++) {
    write(to[1], &c, 1);
    read(from[0], &c, 1);
    unsigned ds, es, gs;
    asm volatile("mov %%ds, %0; mov %%es, %1; mov %%gs, %2" : "=r"(ds), "=r"(es), "=r"(gs));
    if (ds | es | gs) printf("seen: %x %x %x\n", ds, es, gs), fflush(stdout);
  }
  wait(0);
  show("parent");
}
