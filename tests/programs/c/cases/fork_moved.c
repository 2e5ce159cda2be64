// fork after a move, with memory that children do not get (MADV_DONTFORK, MADV_WIPEONFORK) beside memory that they get, while
// all of it is still at the torus that the process has left; and with advice that changed since.
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGES 4000
#define SIZE (PAGES * 4096L)
#define MIGRATE 4097

static char *filled(void) {
    char *map = mmap(0, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(map, 1, SIZE);
    return map;
}

static int sum(const char *map) {
    int sum = 0;
    for (int i = PAGES - 1; i >= 0; i--)
        sum += map[i * 4096L];
    return sum;
}

// Advice that is given after the move.
static void left_out(int advice) {
    char *below = filled(), *map = filled(), *above = filled();
    syscall(MIGRATE, 0L, 1L);
    madvise(map, SIZE, advice);
    if (!fork()) {
        if (advice == MADV_DONTFORK && mmap(map, SIZE, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != map)
            perror("mmap");
        printf("advice %d: child %d, beside it %d %d\n", advice, sum(map), sum(below), sum(above));
        fflush(stdout);
        _exit(0);
    }
    wait(0);
    printf("advice %d: parent %d\n", advice, sum(map));
    fflush(stdout);
}

// Advice that was given before it, and is taken back.
static void given_back(int touch) {
    char *map = filled();
    madvise(map, SIZE, MADV_DONTFORK);
    syscall(MIGRATE, 0L, 1L);
    madvise(map, SIZE, MADV_DOFORK);
    for (int i = 0; touch && i < PAGES; i += 512)
        map[i * 4096L]++;
    if (!fork()) {
        printf("given back: child %d\n", sum(map));
        fflush(stdout);
        _exit(0);
    }
    int status;
    wait(&status);
    printf("given back: status %x, parent %d\n", status, sum(map));
    fflush(stdout);
}

static void apart(void (*test)(int), int argument) {
    if (!fork()) {
        test(argument);
        _exit(0);
    }
    wait(0);
}

int main(void) {
    apart(left_out, MADV_WIPEONFORK);
    apart(left_out, MADV_DONTFORK);
    apart(given_back, 0);
    apart(given_back, 1);
    return 0;
}
