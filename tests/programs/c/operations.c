/* Prints what one operation of the kernel costs, in ticks of the time-stamp counter: instructions, where one instruction is one tick
 * (braid exec --icount; qemu -icount shift=0 for another kernel). Runs unchanged on Braid and on Linux. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, ROUNDS = 1000, FORKS = 100, SMALL = 16 * PAGE };

static uint64_t ticks(void) {
    uint32_t low, high;
    __asm__ volatile("lfence; rdtsc; lfence" : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
}

static void report(const char *name, uint64_t begin, int operations) {
    uint64_t end = ticks();
    printf("%-36s %10.1f\n", name, (double)(end - begin) / operations);
    fflush(stdout);
}

static char *map(size_t bytes) {
    char *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) {
        perror("mmap");
        _exit(1);
    }
    madvise(pages, bytes, MADV_NOHUGEPAGE);
    return pages;
}

static void calls(void) {
    uint64_t begin = ticks();
    for (int i = 0; i < ROUNDS; i++) syscall(SYS_getpid);
    report("getpid", begin, ROUNDS);
    begin = ticks();
    for (int i = 0; i < ROUNDS; i++) syscall(SYS_getppid);
    report("getppid", begin, ROUNDS);
}

static void faults(void) {
    volatile char *pages = map(ROUNDS * PAGE);
    uint64_t begin = ticks();
    for (int i = 0; i < ROUNDS; i++) pages[i * PAGE] = 1;
    report("first write to an anonymous page", begin, ROUNDS);
    begin = ticks();
    munmap((void *)pages, ROUNDS * PAGE);
    report("munmap, for each touched page", begin, ROUNDS);

    pages = map(ROUNDS * PAGE);
    begin = ticks();
    for (int i = 0; i < ROUNDS; i++) (void)pages[i * PAGE];
    report("first read of an anonymous page", begin, ROUNDS);

    for (int i = 0; i < ROUNDS; i++) pages[i * PAGE] = 1;
    pid_t child = fork();
    if (child == 0) {
        begin = ticks();
        for (int i = 0; i < ROUNDS; i++) pages[i * PAGE] = 2;
        report("copy-on-write fault", begin, ROUNDS);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    munmap((void *)pages, ROUNDS * PAGE);
}

static void mappings(void) {
    uint64_t begin = ticks();
    for (int i = 0; i < ROUNDS; i++) {
        void *pages = mmap(NULL, SMALL, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        munmap(pages, SMALL);
    }
    report("mmap + munmap of 64 KiB, untouched", begin, ROUNDS);

    char *pages = map(SMALL);
    memset(pages, 1, SMALL);
    begin = ticks();
    for (int i = 0; i < ROUNDS; i++) {
        mprotect(pages, SMALL, PROT_READ);
        mprotect(pages, SMALL, PROT_READ | PROT_WRITE);
    }
    report("mprotect of 16 pages", begin, 2 * ROUNDS);
}

static void processes(void) {
    uint64_t begin = ticks();
    for (int i = 0; i < FORKS; i++) {
        pid_t child = fork();
        if (child == 0) _exit(0);
        waitpid(child, NULL, 0);
    }
    report("fork + exit + wait4", begin, FORKS);
}

int main(void) {
    calls();
    faults();
    mappings();
    processes();
    return 0;
}
