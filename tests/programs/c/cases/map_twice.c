// Two processes of one torus map the same file of another one at the same moment, again and again: each time both see what the other
// has written, and at the end nothing is left of it.
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 500
#define MIGRATE 4097

struct shared {
    int arrived;
    int wrong;
};

// Waits until both have come here for the `turn`-th time.
static void meet(struct shared *shared, int turn) {
    __atomic_add_fetch(&shared->arrived, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&shared->arrived, __ATOMIC_SEQ_CST) < 2 * turn) sched_yield();
}

static void work(struct shared *shared, int who) {
    int file = open("/tmp/twice", O_RDWR);
    for (int round = 0, turn = 0; round < ROUNDS; round++) {
        meet(shared, ++turn);
        volatile int *map = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        map[who] = round;
        meet(shared, ++turn);
        if (map[1 - who] != round) shared->wrong++;
        munmap((void *)map, 4096);
    }
}

int main(void) {
    int file = open("/tmp/twice", O_RDWR | O_CREAT, 0600);
    ftruncate(file, 4096);
    syscall(MIGRATE, 0L, 1L, 0L);
    struct shared *shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (int who = 0; who < 2; who++) {
        if (fork()) continue;
        work(shared, who);
        _exit(0);
    }
    while (wait(0) > 0) {}
    printf("%d wrong\n", shared->wrong);
}
