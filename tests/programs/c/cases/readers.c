// Many processes read the same input at once: all of it comes, each byte to one of them. Prints how many bytes they had together.
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READERS = 16 };

int main(void) {
    int counts[2];
    if (pipe(counts) != 0) return 1;
    for (int reader = 0; reader < READERS; reader++) {
        if (fork() != 0) continue;
        char bytes[100];
        long all = 0;
        ssize_t some;
        while ((some = read(0, bytes, sizeof bytes)) > 0) all += some;
        if (write(counts[1], &all, sizeof all) != sizeof all) _exit(1);
        _exit(some != 0);
    }
    int status, failed = 0;
    while (wait(&status) > 0) failed |= status;
    long all = 0;
    for (int reader = 0; reader < READERS; reader++) {
        long some;
        if (read(counts[0], &some, sizeof some) != sizeof some) return 1;
        all += some;
    }
    printf("%ld bytes, status %d\n", all, failed);
    return 0;
}
