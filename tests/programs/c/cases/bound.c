// What may not be given away is not given away, wherever its process is: a memory object without that right stays that process's, after a move
// as before. Linux has no such objects: what is expected is what docs/abi.md says of them.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MIGRATE = 4097, BUILDER = 4100, COMMIT = 4103, RESTRICT = 4108, READ = 1, TRANSFER = 8 };

static void say(const char *what, long result) {
    printf("%s: %s\n", what, result >= 0 ? "done" : strerrorname_np(errno));
    fflush(stdout);
}

static void look(const char *where, int bound, int free) {
    char byte, path[64];
    printf("%s:\n", where);
    say("read", pread(bound, &byte, 1, 0));
    snprintf(path, sizeof path, "/proc/self/fd/%d", bound);
    say("opened again", open(path, O_RDONLY));
    int again = dup(bound);
    if (fork() == 0) {
        say("the child's", pread(bound, &byte, 1, 0));
        say("the child's duplicate", pread(again, &byte, 1, 0));
        say("what may be given", pread(free, &byte, 1, 0));
        snprintf(path, sizeof path, "/proc/%d/fd/%d", getppid(), bound);
        say("opened by the child", open(path, O_RDONLY));
        snprintf(path, sizeof path, "/proc/%d/fd/%d", getppid(), free);
        say("what may be given, opened by the child", open(path, O_RDONLY));
        _exit(0);
    }
    wait(NULL);
    close(again);
}

int main(int count, char **arguments) {
    if (count > 1) {
        char byte;
        int bound = atoi(arguments[1]);
        say("executed: read", pread(bound, &byte, 1, 0));
        if (fork() == 0) {
            say("its child's", pread(bound, &byte, 1, 0));
            _exit(0);
        }
        wait(NULL);
        return 0;
    }
    int builder = syscall(BUILDER, -1, 0);
    if (write(builder, "x", 1) != 1) return 1;
    int free = syscall(COMMIT, builder, 0);
    int bound = syscall(RESTRICT, free, READ, 0);
    look("where it was made", bound, free);
    say("move", syscall(MIGRATE, 0, 1, 0));
    look("elsewhere", bound, free);
    say("move", syscall(MIGRATE, 0, 0, 0));
    look("back", bound, free);
    say("move", syscall(MIGRATE, 0, 1, 0));
    char number[16];
    snprintf(number, sizeof number, "%d", bound);
    execl("/proc/self/exe", "bound", number, NULL);
    return 1;
}
