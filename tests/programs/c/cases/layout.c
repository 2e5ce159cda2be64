// Where the parts of a program lie: each execution prints them once. With arguments it executes itself so many times, the second half
// of them with a personality that asks for the usual layout.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
  setvbuf(stdout, 0, _IOLBF, 0);
  if (argc < 2) {
    int local;
    void *map = mmap(0, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *huge = mmap(0, 4 << 20, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned long hint = 0x123450000000, fixed = 0x234560000000;
    void *hinted = mmap((void *)hint, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void *forced = mmap((void *)fixed, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    memset(huge, 1, 4 << 20);
    printf("%p %p %p %p %d %d\n", (void *)((unsigned long)&local & ~0xfffUL), map, sbrk(0), (void *)main, hinted == (void *)hint, forced == (void *)fixed);
    char *deep = alloca(6 << 20);
    memset(deep, 1, 6 << 20);
    return 0;
  }
  int times = atoi(argv[1]);
  for (int i = 0; i < 2 * times; i++) {
    if (!fork()) {
      if (i >= times) personality(ADDR_NO_RANDOMIZE);
      execl("/proc/self/exe", "layout", (char *)0);
      _exit(1);
    }
    int s;
    wait(&s);
    if (s) printf("status %x\n", s);
  }
}
