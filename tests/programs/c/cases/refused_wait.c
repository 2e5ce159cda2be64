// Two processes on torus 1 wait at a pipe of torus 0, the second one when torus 0 takes no more memory for others: there is no room to note that it
// waits. Its read fails, and torus 0 goes on.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MIGRATE = 4097, BUILDER = 4100, APPEND = 4101 };

// Moves to torus 1, waits for the word to go on where there is one, and reads a byte. Ends with the error, or 0.
static void reader(int go, int from) {
    char byte;
    if (syscall(MIGRATE, 0, 1, 0) != 0) _exit(201);
    if (go >= 0 && read(go, &byte, 1) != 1) _exit(202);
    _exit(read(from, &byte, 1) == 1 ? 0 : errno);
}

int main(void) {
    int data[2], go[2];
    if (pipe(data) != 0 || pipe(go) != 0) return 1;
    pid_t first = fork();
    if (first == 0) reader(-1, data[0]);
    pid_t second = fork();
    if (second == 0) reader(go[0], data[0]);
    usleep(200000);

    // Half of the memory as names, and more than a sixteenth of it as bytes of an object.
    char name[250];
    int names = 0;
    for (;; names++) {
        memset(name, 'n', sizeof name);
        snprintf(name, sizeof name, "/tmp/%07d", names);
        name[strlen(name)] = 'n';
        name[sizeof name - 1] = 0;
        int file = open(name, O_CREAT | O_WRONLY, 0600);
        if (file < 0) break;
        close(file);
    }
    static char bytes[65536];
    int builder = syscall(BUILDER, -1L, 0);
    long appended = 0;
    for (;; appended++) {
        // No two pages are the same, and none is empty.
        for (size_t page = 0; page < sizeof bytes; page += 4096) bytes[page] = 1 + page / 4096, memcpy(bytes + page + 1, &appended, sizeof appended);
        if (syscall(APPEND, builder, bytes, sizeof bytes) < 0) break;
    }

    if (write(go[1], "g", 1) != 1) return 1;
    int status;
    while (waitpid(second, &status, 0) < 0) {}
    printf("second: %s\n", strerror(WEXITSTATUS(status)));
    if (write(data[1], "d", 1) != 1) return 1;
    while (waitpid(first, &status, 0) < 0) {}
    printf("first: %d\n", WEXITSTATUS(status));
    if (names < 1000 || appended < 10) printf("%d names, %ld times 64 KiB\n", names, appended);
    return 0;
}
