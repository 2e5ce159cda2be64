// MAP_SHARED of files in /tmp from a torus where they are not at home: programs on two tori write and read the same mapping, with
// msync, read and write beside it, truncation below it, fork, munmap, and ends in both orders. Also of a memfd.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGES 40
#define SIZE (PAGES * 4096L)
#define MIGRATE 4097

static volatile int *turn;

static void await(int value) {
    while (*turn != value)
        usleep(500);
}

static char *map(int fd, int rights) {
    return mmap(0, SIZE, rights, MAP_SHARED, fd, 0);
}

static int sum(const char *map) {
    int sum = 0;
    for (long i = 0; i < SIZE; i += 512)
        sum += map[i];
    return sum;
}

static void on_bus(int signal) {
    (void)signal;
    _exit(7);
}

// Opens, maps and writes the file at the other torus; then reads what this one writes.
static void other(int first_to_end) {
    syscall(MIGRATE, 0L, 1L);
    int fd = open("/tmp/shared", O_RDWR);
    char *there = map(fd, PROT_READ | PROT_WRITE);
    if (there == MAP_FAILED) {
        printf("other: %s\n", strerror(errno));
        _exit(1);
    }
    printf("other sees %d\n", sum(there));
    for (long i = 0; i < SIZE; i += 512)
        there[i] = 2;
    int synced = msync(there, SIZE, MS_SYNC);
    char byte = 0;
    pread(fd, &byte, 1, 512);
    pwrite(fd, "\5", 1, 1024);
    printf("other: msync %d, pread %d, after pwrite %d\n", synced, byte, there[1024]);
    fflush(stdout);
    if (!fork()) {
        there[2048] = 9;
        munmap(there, SIZE);
        _exit(0);
    }
    wait(0);
    *turn = 1;
    await(2);
    printf("other sees %d after its child %d\n", sum(there), there[2048]);
    fflush(stdout);
    if (!first_to_end) {
        *turn = 3;
        await(4);
        there[0] = 1;
    }
    _exit(0);
}

static void both(int other_ends_first) {
    int fd = open("/tmp/shared", O_RDWR | O_CREAT | O_TRUNC, 0666);
    ftruncate(fd, SIZE);
    char *here = map(fd, PROT_READ | PROT_WRITE);
    for (long i = 0; i < SIZE; i += 512)
        here[i] = 1;
    *turn = 0;
    int child = fork(), status;
    if (!child)
        other(other_ends_first);
    await(1);
    printf("one sees %d\n", sum(here));
    fflush(stdout);
    memset(here, 3, SIZE);
    *turn = 2;
    if (!other_ends_first) {
        await(3);
        munmap(here, SIZE);
        close(fd);
        unlink("/tmp/shared");
        *turn = 4;
    }
    waitpid(child, &status, 0);
    printf("other ended with %x\n", status);
    fflush(stdout);
    unlink("/tmp/shared");
}

// What is cut at one torus is SIGBUS at the other, and zeros when the file has grown again.
static void cut(int from) {
    int fd = open("/tmp/cut", O_RDWR | O_CREAT | O_TRUNC, 0666);
    ftruncate(fd, SIZE);
    *turn = 0;
    int child = fork(), status;
    if (!child) {
        syscall(MIGRATE, 0L, from ? 0L : 1L);
        int again = open("/tmp/cut", O_RDWR);
        char *there = map(again, PROT_READ | PROT_WRITE);
        memset(there, 6, SIZE);
        *turn = 1;
        await(2);
        usleep(50000);
        printf("after growth: %d %d\n", there[0], there[SIZE - 1]);
        fflush(stdout);
        *turn = 3;
        await(4);
        usleep(50000);
        signal(SIGBUS, on_bus);
        there[SIZE - 1] = 1;
        _exit(0);
    }
    syscall(MIGRATE, 0L, (long)from);
    await(1);
    ftruncate(fd, 4096);
    ftruncate(fd, SIZE);
    *turn = 2;
    await(3);
    ftruncate(fd, 100);
    *turn = 4;
    waitpid(child, &status, 0);
    printf("cut: %x\n", status);
    fflush(stdout);
    close(fd);
    unlink("/tmp/cut");
}

// A mapping that is made on one torus goes along to the next, and home again.
static void moves(void) {
    int fd = memfd_create("m", MFD_ALLOW_SEALING);
    ftruncate(fd, SIZE);
    syscall(MIGRATE, 0L, 1L);
    char *there = map(fd, PROT_READ | PROT_WRITE);
    there[0] = 1;
    char *reader = map(fd, PROT_READ);
    for (int round = 0; round < 6; round++) {
        syscall(MIGRATE, 0L, (long)(round % 2));
        there[round * 4096]++;
        reader = mremap(reader, SIZE, SIZE, 0);
    }
    char byte = 0;
    pread(fd, &byte, 1, 0);
    printf("moves: %d, %d %d by the other mapping\n", byte, reader[0], sum(reader));
    munmap(there, SIZE);
    munmap(reader, SIZE);
    int readable = open("/tmp/readable", O_RDWR | O_CREAT, 0666);
    ftruncate(readable, SIZE);
    close(readable);
    readable = open("/tmp/readable", O_RDONLY);
    syscall(MIGRATE, 0L, 1L);
    printf("only readable: %d", map(readable, PROT_READ | PROT_WRITE) == MAP_FAILED ? errno : 0);
    printf(" %d\n", map(readable, PROT_READ) == MAP_FAILED ? errno : 0);
    fflush(stdout);
    unlink("/tmp/readable");
}

int main(void) {
    turn = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    syscall(MIGRATE, 0L, 0L);
    both(1);
    both(0);
    cut(0);
    cut(1);
    moves();
    return 0;
}
