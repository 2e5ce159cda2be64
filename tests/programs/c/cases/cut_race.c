/* A file that some cut and lengthen while others read, write and append to it: what is read is zeros or what was written, and nobody waits for ever. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIZE = 8 << 20, ROUNDS = 40, PIECE = 5000 };
static const char *const path = "/tmp/cut_race.file";

static int cut(int fd) {
    for (int i = 0; i < ROUNDS; i++) {
        for (int at = 0; at < SIZE; at += 1 << 16)
            if (pwrite(fd, "xxxx", 4, at) != 4) return 1;
        if (ftruncate(fd, i % 2 ? 0 : SIZE / 2)) return 2;
        if (ftruncate(fd, SIZE)) return 3;
    }
    return 0;
}

static int look(int fd) {
    static char bytes[PIECE];
    for (int i = 0; i < 20 * ROUNDS; i++) {
        long n = pread(fd, bytes, PIECE, (long)(i * 77777) % SIZE);
        if (n < 0) return 1;
        for (long at = 0; at < n; at++)
            if (bytes[at] && bytes[at] != 'x') return 2;
    }
    return 0;
}

static int add(int fd) {
    static char bytes[PIECE];
    memset(bytes, 'x', PIECE);
    int end = open(path, O_WRONLY | O_APPEND);
    for (int i = 0; i < 4 * ROUNDS; i++) {
        if (write(end, bytes, PIECE) != PIECE) return 1;
        if (pwrite(fd, bytes, PIECE, (long)(i * 99999) % SIZE) != PIECE) return 2;
    }
    return 0;
}

static int mapped(int fd) {
    char *all = mmap(0, SIZE, PROT_READ, MAP_PRIVATE, fd, 0);
    static unsigned char there[SIZE / 4096];
    for (int i = 0; i < ROUNDS; i++)
        if (mincore(all, SIZE, there)) return 1;
    return 0;
}

int main(void) {
    int (*const parts[])(int) = {cut, cut, look, add, mapped};
    int fd = open(path, O_CREAT | O_TRUNC | O_RDWR, 0600);
    for (int i = 0; i < 5; i++)
        if (fork() == 0) _exit(parts[i](fd));
    int status, bad = 0;
    while (wait(&status) > 0) bad |= status;
    printf("bad %x\n", bad);
    unlink(path);
    return 0;
}
