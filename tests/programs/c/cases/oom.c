// Pipes fill the kernel's memory; then faults, and calls that need a little, go on or fail, and nothing else happens.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
enum { N = 6000 };
static sigjmp_buf back;
static int hits, ends[N];
static char buf[65536];
static void handler(int s) { hits++; siglongjmp(back, 1); }
int main(int c, char **v) {
    struct rlimit files = {20000, 20000};
    setrlimit(RLIMIT_NOFILE, &files);
    signal(SIGSEGV, handler);
    int n = 0, i = 0;
    for (int p[2]; n < N && !pipe2(p, O_NONBLOCK); n++) ends[n] = p[1];
    for (size_t size = sizeof buf; size; size /= 2)
        for (int fails = 0; i < n && fails < 3;) {
            ssize_t k = write(ends[i], buf, size);
            if (k < (ssize_t)size) fails++;
            if (k > 0) i++;
        }
    printf("full\n"); fflush(stdout);
    for (int k = 0; k < 200; k++) if (!sigsetjmp(back, 1)) *(volatile char *)(0x10000000000ull + k * 0x123456789) = 1;
    printf("%d faults\n", hits); fflush(stdout);
    // Where there are tori: it goes, or stays.
    int moved = syscall(4097, 0, 1, 0) == 0 || errno == ENOMEM || errno == ENOSYS;
    char *words[] = {"/bin/none", 0};
    for (int k = 0; k < 50; k++) execve("/nonexistent/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", words, words);
    int none = errno == ENOENT || errno == ENOMEM;
    printf("%d %d\n", moved, none);
    return 0;
}
