// A file is cut while a process on another torus has it mapped, locked or not: what the file has lost is SIGBUS there, and
// the frames, which its home uses for something else at once, are out of reach.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGES 256
#define MIGRATE 4097

static volatile int *step;

static void on_bus(int signal) {
    (void)signal;
    _exit(7);
}

// Writes to what the file has lost, again and again.
static void writer(char *map, int lock) {
    signal(SIGBUS, on_bus);
    syscall(MIGRATE, 0L, 1L);
    for (int i = 0; i < PAGES; i++)
        map[i * 4096 + 8] = 2;
    if (lock && mlock(map, PAGES * 4096))
        perror("mlock");
    *step = 1;
    while (*step != 2)
        usleep(1000);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < PAGES; i++)
            memset(map + i * 4096 + 64, 0x5a, 64);
        usleep(10000);
    }
    _exit(0);
}

// How many private pages of this process hold bytes of another one's.
static int spoiled(void) {
    int bad = 0;
    size_t length = 16 << 20;
    for (int round = 0; round < 10 && !bad; round++) {
        unsigned char *map = mmap(0, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        for (size_t i = 0; i < length; i += 4096)
            map[i] = 3;
        usleep(20000);
        for (size_t i = 0; i < length; i += 4096)
            bad += map[i + 64] != 0;
        munmap(map, length);
    }
    return bad;
}

static void cut(int lock) {
    int fd = open("/tmp/cut", O_RDWR | O_CREAT | O_TRUNC, 0666);
    ftruncate(fd, PAGES * 4096);
    char *map = mmap(0, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    for (int i = 0; i < PAGES; i++)
        map[i * 4096] = 1;
    *step = 0;
    int child = fork();
    if (!child)
        writer(map, lock);
    while (*step != 1)
        usleep(1000);
    ftruncate(fd, 4096);
    *step = 2;
    int bad = spoiled(), status;
    waitpid(child, &status, 0);
    printf("locked %d: %d pages spoiled, status %x, byte %d\n", lock, bad, status, map[8]);
    munmap(map, PAGES * 4096);
    close(fd);
    unlink("/tmp/cut");
}

int main(void) {
    step = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    syscall(MIGRATE, 0L, 0L);
    cut(0);
    cut(1);
    return 0;
}
