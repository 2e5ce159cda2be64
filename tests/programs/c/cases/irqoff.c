/* Calls whose work a program sizes: poll, close_range, mincore, getrandom, ftruncate, execve, munmap, mprotect and fork of many mappings. No core may
 * keep interrupts off for long in any of them. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static char bytes[1 << 20];

static void say(const char *what, long value) {
    printf("%s %ld\n", what, value < 0 ? -errno : value);
    fflush(stdout);
}

static void descriptors(void) {
    enum { N = 6000 };
    struct rlimit limit = {1 << 20, 1 << 20};
    say("setrlimit", setrlimit(RLIMIT_NOFILE, &limit));
    static struct pollfd list[N];
    for (int i = 0; i < N; i++) list[i].fd = 1000000, list[i].events = POLLPRI;
    say("poll", poll(list, N, 0));
    say("dup2", dup2(1, (1 << 20) - 1) == (1 << 20) - 1);
    for (int i = 3; i < N; i++) dup2(1, i);
    say("dup", dup(1) == N);
    if (fork() == 0) _exit(0);
    say("wait", wait(0) > 0);
    say("close_range", syscall(SYS_close_range, 3, ~0u, 0));
    fd_set set;
    FD_ZERO(&set);
    for (int i = 3; i < 1000; i++) dup2(1, i), FD_SET(i, &set);
    struct timeval zero = {0, 0};
    say("select", select(1000, 0, &set, 0, &zero));
    say("close_range", syscall(SYS_close_range, 3, ~0u, 0));
}

static void mappings(void) {
    enum { N = 3000 };
    char *area = mmap(0, 2 * N * 4096L, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    for (int i = 0; i < N; i++) mprotect(area + i * 8192L, 4096, PROT_READ | PROT_WRITE), area[i * 8192L] = 1;
    if (fork() == 0) _exit(0);
    say("wait", wait(0) > 0);
    say("madvise", madvise(area, 2 * N * 4096L, MADV_DONTFORK));
    say("mprotect", mprotect(area, 2 * N * 4096L, PROT_READ));
    for (int i = 0; i < N; i++) mprotect(area + i * 8192L, 4096, PROT_NONE);
    say("munmap", munmap(area, 2 * N * 4096L));
    char *large = mmap(0, 64 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    madvise(large, 64 << 20, MADV_HUGEPAGE);
    memset(large, 1, 64 << 20);
    if (fork() == 0) _exit(0);
    say("wait", wait(0) > 0);
    say("mprotect", mprotect(large, 64 << 20, PROT_READ));
    say("mremap", mremap(large, 64 << 20, 65 << 20, MREMAP_MAYMOVE) != MAP_FAILED);
    static unsigned char vector[16 << 20];
    char *empty = mmap(0, 4L << 30, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    say("mincore", mincore(empty, 4L << 30, vector));
    say("munmap", munmap(empty, 4L << 30));
}

static void files(void) {
    int fd = open("/tmp/file", O_CREAT | O_RDWR, 0600);
    say("getrandom", syscall(SYS_getrandom, bytes, sizeof bytes, 0));
    say("write", write(fd, bytes, sizeof bytes));
    say("pread", pread(fd, bytes, sizeof bytes, 0));
    struct iovec parts[1024];
    for (int i = 0; i < 1024; i++) parts[i] = (struct iovec){bytes + i * 8, 8};
    say("pwritev", pwritev(fd, parts, 1024, 0));
    for (long i = 0; i < 200; i++) pwrite(fd, "x", 1, i << 21);
    say("ftruncate", ftruncate(fd, 0));
    say("ftruncate", ftruncate(fd, 1L << 40));
    char *shared = mmap(0, 8 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    memset(shared, 1, 8 << 20);
    say("ftruncate", ftruncate(fd, 0));
    say("msync", msync(shared, 8 << 20, MS_SYNC));
}

static void programs(void) {
    enum { N = 40000 };
    char **arguments = malloc(8 * (N + 1));
    for (int i = 0; i < N; i++) arguments[i] = "";
    arguments[N] = 0;
    say("execve", execve("/nonexistent", arguments, arguments));
    if (fork() == 0) {
        arguments[0] = "irqoff";
        execve("/proc/self/exe", arguments, arguments + N);
        _exit(1);
    }
    int status;
    wait(&status);
    say("exit", WEXITSTATUS(status));
}

int main(int count, char **arguments) {
    (void)arguments;
    if (count > 10) return 7;
    descriptors();
    mappings();
    files();
    programs();
    return 0;
}
