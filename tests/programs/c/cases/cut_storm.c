// A file is cut and grows again, round after round, while processes on another torus touch the pages that it loses and gets back: once
// they know of a round (they have read the file since) they see what that round wrote, and no page of an earlier one.
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGES 24
#define SIZE (PAGES * 4096L)
#define ROUNDS 150
#define MIGRATE 4097

// The round that is complete, the one that was checked, and how many pages were wrong.
static volatile int *state;
static sigjmp_buf back;

static void on_bus(int signal) {
    (void)signal;
    siglongjmp(back, 1);
}

static volatile int *there(int *fd) {
    syscall(MIGRATE, 0L, 1L);
    *fd = open("/tmp/storm", O_RDWR);
    return mmap(0, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
}

// Touches all pages until the last round.
static void touch(void) {
    int fd;
    volatile int *map = there(&fd);
    signal(SIGBUS, on_bus);
    while (state[0] < ROUNDS) {
        if (!sigsetjmp(back, 1))
            for (int i = 0; i < PAGES; i++)
                (void)map[i * 1024 + 1];
    }
    _exit(0);
}

// Looks at every round when it is complete.
static void check(void) {
    int fd, word;
    volatile int *map = there(&fd);
    for (int round = 1; round <= ROUNDS; round++) {
        while (state[0] < round)
            usleep(100);
        pread(fd, &word, sizeof word, 0);
        for (int i = 0; i < PAGES; i++)
            state[2] += map[i * 1024] != round;
        state[1] = round;
    }
    _exit(0);
}

int main(void) {
    state = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    syscall(MIGRATE, 0L, 0L);
    int fd = open("/tmp/storm", O_RDWR | O_CREAT | O_TRUNC, 0666);
    ftruncate(fd, SIZE);
    for (int i = 0; i < 3; i++)
        if (!fork())
            i < 2 ? touch() : check();
    for (int round = 1; round <= ROUNDS; round++) {
        ftruncate(fd, 0);
        ftruncate(fd, SIZE);
        for (int i = 0; i < PAGES; i++)
            pwrite(fd, &round, sizeof round, i * 4096);
        state[0] = round;
        while (state[1] < round)
            usleep(100);
    }
    while (wait(0) > 0)
        ;
    printf("%d rounds, %d stale pages\n", state[1], state[2]);
    unlink("/tmp/storm");
    return 0;
}
