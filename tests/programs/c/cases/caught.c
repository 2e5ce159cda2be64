/* A program that handles a hundred thousand faults of its own, one that execs what is no program many times, and a child that dies of a fault. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static sigjmp_buf back;
static void caught(int signal) {
    (void)signal;
    siglongjmp(back, 1);
}

int main(void) {
    struct sigaction action = {.sa_handler = caught, .sa_flags = SA_NODEFER};
    sigaction(SIGSEGV, &action, 0);
    volatile long count = 0;
    while (count < 100000)
        if (sigsetjmp(back, 0) == 0) *(volatile int *)8 = 1;
        else count++;
    printf("caught %ld\n", count);
    fflush(stdout);
    int fd = open("/tmp/broken", O_CREAT | O_WRONLY, 0755);
    // An ELF file of another machine.
    char header[64] = {0x7f, 'E', 'L', 'F', 1, 1, 1};
    if (write(fd, header, sizeof header) < 0) return 1;
    close(fd);
    long failed = 0;
    char *none[] = {"broken", 0};
    for (int i = 0; i < 5000; i++) failed += execve("/tmp/broken", none, none) < 0;
    printf("failed %ld\n", failed);
    fflush(stdout);
    if (fork() == 0) {
        signal(SIGSEGV, SIG_DFL);
        *(volatile int *)16 = 1;
    }
    int status;
    wait(&status);
    printf("killed %d\n", WTERMSIG(status));
    return 0;
}
