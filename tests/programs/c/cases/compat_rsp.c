// Far jumps and far calls to every selector of the table, with a stack pointer of the program's choice, to code that makes a system
// call as a 32-bit program would: every attempt ends by a signal, and none in the kernel on the program's stack.
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct __attribute__((packed)) far { unsigned offset; unsigned short selector; };
static volatile struct far target;

static void attempt(int call, int selector, unsigned long rsp) {
  target = (struct far){0x10000000, selector};
  register unsigned long to = rsp;
  if (call)
    asm volatile("mov %1, %%rsp; mov $1000, %%eax; lcall *(%0)" :: "r"(&target), "r"(to) : "rax", "memory");
  else
    asm volatile("mov %1, %%rsp; mov $1000, %%eax; ljmp *(%0)" :: "r"(&target), "r"(to) : "rax", "memory");
  _exit(0);
}

int main(void) {
  unsigned char *code = mmap((void *)0x10000000, 8192, 7, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  memcpy(code, "\x0f\x05\xf4", 3); // syscall; hlt
  int ended = 0, odd = 0;
  for (int selector = 0; selector < 0x58; selector++) {
    unsigned long stacks[] = {0x10001ff0, 0, 0xffff800000000000, 0x0000800000000000};
    for (int i = 0; i < 8; i++) {
      pid_t child = fork();
      if (!child) attempt(i & 1, selector, stacks[i / 2]);
      int s;
      waitpid(child, &s, 0);
      if (WIFSIGNALED(s) && (WTERMSIG(s) == SIGSEGV || WTERMSIG(s) == SIGILL || WTERMSIG(s) == SIGBUS)) ended++;
      else printf("selector %x, stack %lx: status %x\n", selector, stacks[i / 2], s), odd++;
    }
  }
  printf("%d ended by signals, %d did not\n", ended, odd);
}
