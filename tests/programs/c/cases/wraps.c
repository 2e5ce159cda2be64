// Sums of what a program says that are beyond the end of all addresses: ranges that wrap, to every call that takes one.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static long say(const char *what, long r) { printf(" %s %ld", what, r < 0 && r > -4096 ? -errno : r < 0 || r > 1L << 30 ? 1L : r); return r; }
static void never(int s) {}

int main(void) {
  setvbuf(stdout, 0, _IOLBF, 0);
  // What lies above is not mapped.
  char *a = mmap((void *)0x123456789000, 16384, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int f = open("/tmp/wraps", O_CREAT | O_RDWR | O_TRUNC, 0600), p[2];
  pipe(p);
  write(f, "some text", 9);
  uint64_t lengths[] = {1UL << 60, 1UL << 47, (1UL << 47) - (uint64_t)a, -(uint64_t)a, -4096UL, -1UL, INT64_MAX, 1UL << 63};
  for (int i = 0; i < 8; i++) {
    uint64_t n = lengths[i];
    printf("length %d:", i);
    say("mlock", syscall(SYS_mlock, a, n));
    say("munlock", syscall(SYS_munlock, a, n));
    say("msync", syscall(SYS_msync, a, n, MS_ASYNC));
    say("mprotect", syscall(SYS_mprotect, a, n, 3));
    say("madvise", syscall(SYS_madvise, a, n, MADV_NORMAL));
    say("mincore", syscall(SYS_mincore, a, n, p));
    say("mmap", syscall(SYS_mmap, 0, n, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    say("fixed", syscall(SYS_mmap, a + (1L << 40), n, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
    say("mremap", syscall(SYS_mremap, a, 4096, n, MREMAP_MAYMOVE));
    say("remap", syscall(SYS_mremap, a, n, 4096, 0));
    say("write", syscall(SYS_write, p[1], a, n & INT64_MIN ? n : 1L << 62));
    struct iovec v[2] = {{a, 4096}, {a, n}};
    if (n & INT64_MIN) say("writev", syscall(SYS_writev, p[1], v, 2));
    say("pread", syscall(SYS_pread64, f, a, 10, n));
    // How large a file may be is its file system's.
    if (n & INT64_MIN) say("ftruncate", syscall(SYS_ftruncate, f, n));
    if (n & INT64_MIN) say("lseek", syscall(SYS_lseek, f, n, SEEK_SET));
    puts("");
  }
  // Addresses at the end, with small lengths.
  uint64_t ends[] = {0x7fffffffefff, 0x7ffffffff000, 0x7fffffffffff, 0x800000000000, -4096UL, -8UL, -1UL};
  for (int i = 0; i < 7; i++) {
    uint64_t e = ends[i];
    printf("address %d:", i);
    say("read", syscall(SYS_pread64, f, e, 9, 0));
    say("write", syscall(SYS_write, p[1], e, 16));
    say("open", syscall(SYS_open, e, 0));
    say("pipe", syscall(SYS_pipe2, e, 0));
    say("poll", syscall(SYS_poll, e, 2, 0));
    say("readv", syscall(SYS_readv, f, e, 3));
    say("sigmask", syscall(SYS_rt_sigprocmask, 0, 0, e, 8));
    say("time", syscall(SYS_clock_gettime, 0, e));
    say("uname", syscall(SYS_uname, e));
    say("futex", syscall(SYS_futex, e & ~3UL, 0, 0, 0, 0, 0));
    say("munmap", syscall(SYS_munmap, e & ~4095UL, 8192));
    say("mmap", syscall(SYS_mmap, e & ~4095UL, 8192, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
    say("select", syscall(SYS_select, 64, e, 0, 0, (long[]){0, 0}));
    say("getcwd", syscall(SYS_getcwd, e, 100));
    puts("");
  }
  // A signal stack whose end wraps.
  stack_t s = {.ss_sp = (void *)-4096L, .ss_size = 65536};
  struct sigaction sa = {.sa_handler = never, .sa_flags = SA_ONSTACK};
  printf("stack %d\n", sigaltstack(&s, 0));
  unlink("/tmp/wraps");
  sigaction(SIGUSR1, &sa, 0);
  puts("going");
  pid_t child = fork();
  if (!child) { raise(SIGUSR1); _exit(0); }
  int status;
  extern int waitpid(int, int *, int);
  waitpid(child, &status, 0);
  printf("ended %x\n", status);
}
