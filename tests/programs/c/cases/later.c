/* A call that writes much to pages that are at another torus: after a move getrandom fills a mebibyte of absent pages, and mincore tells
 * of sixteen thousand. Elsewhere than on Braid there is no move, and the answers are the same. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SIZE = 16 << 20, PART = 1 << 20, MIGRATE = 4097 };

int main(void) {
    char *memory = mmap(0, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *watched = mmap(0, 64 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(memory, 1, SIZE);
    syscall(MIGRATE, 0, 1, 0);
    long filled = syscall(SYS_getrandom, memory + SIZE / 2, PART, 0);
    printf("getrandom %ld\n", filled);
    int told = mincore(watched, 64 << 20, (unsigned char *)memory + 4097);
    long present = 0;
    for (long i = 0; i < 16384; i++) present += memory[4097 + i];
    printf("mincore %d %ld\n", told, present);
    // What lies around is as it was.
    printf("around %d %d %d %d\n", memory[4096], memory[4097 + 16384], memory[SIZE / 2 - 1], memory[SIZE / 2 + PART]);
    syscall(MIGRATE, 0, 0, 0);
    struct pollfd *list = (struct pollfd *)(memory + 2 * PART);
    memset(list, 0, PART);
    syscall(MIGRATE, 0, 1, 0);
    printf("poll %d\n", poll(list, 16, 0) >= 0);
    return 0;
}
