// What only an owner may: reading without a trace, using a file by a descriptor that names a place alone, looking into a program that may not be
// read, choosing where a set-id program's stack ends, executing beyond the limit of processes.
#include "../copies_itself.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MIGRATE = 4097 };

static void say(const char *what, long result) {
    printf("%s: %s\n", what, result >= 0 ? "done" : strerrorname_np(errno));
    fflush(stdout);
}

static void become(int user) {
    if (setgid(user) != 0 || setuid(user) != 0) exit(1);
}

static void without_a_trace(void) {
    int theirs = open("/tmp/theirs", O_RDONLY | O_CREAT, 0644), ours = open("/tmp/ours", O_RDONLY | O_CREAT, 0644);
    fchown(ours, 1000, 1000);
    become(1000);
    say("opened so", open("/tmp/theirs", O_RDONLY | O_NOATIME));
    say("made so", fcntl(theirs, F_SETFL, O_NOATIME));
    say("own", fcntl(ours, F_SETFL, O_NOATIME));
    printf("%d %d\n", fcntl(theirs, F_GETFL) & O_NOATIME, fcntl(ours, F_GETFL) & O_NOATIME);
    syscall(MIGRATE, 0, 1, 0);
    say("made so, elsewhere", fcntl(theirs, F_SETFL, O_NOATIME | O_APPEND));
    printf("%d\n", fcntl(theirs, F_GETFL) & (O_NOATIME | O_APPEND));
}

static void by_a_place(void) {
    become(1000);
    int fd = open("/tmp/closed", O_PATH), flags = 0;
    struct flock lock = {.l_type = F_RDLCK};
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    say("F_GETFL", fcntl(fd, F_GETFL));
    say("F_SETFL", fcntl(fd, F_SETFL, O_APPEND));
    say("F_SETLK", fcntl(fd, F_SETLK, &lock));
    say("flock", flock(fd, LOCK_SH));
    say("FIONREAD", ioctl(fd, FIONREAD, &flags));
    say("FIOCLEX", ioctl(fd, FIOCLEX));
    say("futimens", futimens(fd, NULL));
    say("ftruncate", ftruncate(fd, 0));
    say("lseek", lseek(fd, 0, SEEK_SET));
    say("F_GET_SEALS", fcntl(fd, F_GET_SEALS));
    say("dup", dup(fd));
    poll(&polled, 1, 0);
    printf("poll: %#x\n", polled.revents);
}

static void beyond_the_limit(void) {
    // Two processes of a user who may have one; the second may not go on as another program.
    int stay[2], more[2];
    if (pipe(stay) != 0 || pipe(more) != 0) exit(1);
    for (int i = 0; i < 2; i++)
        if (fork() == 0) {
            close(stay[1]);
            become(4242);
            char byte;
            if (write(more[1], "", 1) != 1) _exit(1);
            _exit(read(stay[0], &byte, 1) != 0);
        }
    char byte;
    for (int i = 0; i < 2; i++)
        if (read(more[0], &byte, 1) != 1) exit(1);
    struct rlimit one = {1, 1};
    setrlimit(RLIMIT_NPROC, &one);
    become(4242);
    execl("/tmp/closed", "closed", "dumpable", NULL);
    say("here", -1);
    syscall(MIGRATE, 0, 1, 0);
    execl("/tmp/closed", "closed", "dumpable", NULL);
    say("elsewhere", -1);
    say("fork", fork());
    close(stay[1]);
    while (wait(NULL) > 0)
        ;
    // As soon as there is room it may.
    execl("/tmp/closed", "closed", "dumpable", NULL);
    say("later", -1);
}

static void endless_stack(void) {
    struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
    setrlimit(RLIMIT_STACK, &all);
    become(1000);
    for (int set_id = 0; set_id < 2; set_id++)
        if (fork() == 0)
            execl(set_id ? "/tmp/set-id" : "/tmp/open", set_id ? "set-id" : "open", "stack", NULL);
        else
            wait(NULL);
}

static void in_child(void (*act)(void)) {
    fflush(stdout);
    int child = fork();
    if (child == 0) {
        act();
        fflush(stdout);
        _exit(0);
    }
    waitpid(child, NULL, 0);
}

static void closed_program(void) {
    become(1000);
    execl("/tmp/closed", "closed", "dumpable", NULL);
}

static void open_program(void) {
    become(1000);
    execl("/tmp/open", "open", "dumpable", NULL);
}

int main(int count, char **arguments) {
    if (count > 1 && !strcmp(arguments[1], "stack")) {
        struct rlimit stack;
        getrlimit(RLIMIT_STACK, &stack);
        printf("%s has a stack of %ld\n", arguments[0], (long)stack.rlim_cur);
        return 0;
    }
    if (count > 1) {
        printf("%s is looked into: %d\n", arguments[0], prctl(PR_GET_DUMPABLE));
        return 0;
    }
    copy("/tmp/closed", 0711);
    copy("/tmp/open", 0755);
    copy("/tmp/set-id", 04755);
    in_child(without_a_trace);
    in_child(by_a_place);
    in_child(endless_stack);
    in_child(closed_program);
    in_child(open_program);
    in_child(beyond_the_limit);
    return 0;
}
