// /proc/PID/exe leads to the very file that runs, whatever has become of its name; so do the other links there. Once where the file is, and
// once from another torus.
#include "../copies_itself.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MIGRATE = 4097 };

static void say(const char *what, long result) {
    printf("  %s: %s\n", what, result >= 0 ? "done" : strerrorname_np(errno));
}

static void show(const char *link) {
    char name[200] = "";
    long n = readlink(link, name, sizeof name - 1);
    printf("  %s\n", n < 0 ? strerrorname_np(errno) : name);
}

static int run(const char *program, const char *what) {
    fflush(stdout);
    int child = fork(), status;
    if (child == 0) {
        execl(program, program, what, NULL);
        printf("  %s\n", strerrorname_np(errno));
        fflush(stdout);
        _exit(1);
    }
    waitpid(child, &status, 0);
    return status;
}

// What a program sees of itself while others do this and that to its name.
static void changed(void) {
    const char *self = "/proc/self/exe", *name = "/tmp/itself", *new = "/tmp/itself-else";
    struct stat before, after;
    stat(name, &before);
    show(self);
    rename(name, new);
    show(self);
    unlink(new);
    show(self);
    int file = open(name, O_WRONLY | O_CREAT, 0755);
    if (write(file, "#!/bin/false\n", 13) != 13) exit(1);
    close(file);
    show(self);
    stat(self, &after);
    printf("  the same file: %d, %d links\n", before.st_ino == after.st_ino, (int)after.st_nlink);
    file = open(self, O_RDONLY);
    char start[4] = "";
    printf("  reads %d bytes of it: %d\n", (int)read(file, start, 4), memcmp(start, "\177ELF", 4));
    say("link", linkat(AT_FDCWD, self, AT_FDCWD, "/tmp/itself-linked", 0));
    say("not followed", open(self, O_RDONLY | O_NOFOLLOW));
    say("written", open(self, O_WRONLY));
    printf("  runs: %d\n", run(self, "hello"));
    if (fork() == 0) {
        if (setuid(1000) != 0) exit(1);
        say("another user", open(self, O_RDONLY));
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
    chmod(self, 0700);
    fflush(stdout);
    if (fork() == 0) {
        if (setuid(1000) != 0) exit(1);
        say("without the right to read", open(self, O_RDONLY));
        fflush(stdout);
        execl(self, self, "hello", NULL);
        say("nor to run", -1);
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
    unlink(name);
}

static void links(void) {
    struct stat by_link, by_descriptor;
    char path[64];
    int fd = open("/tmp/itself-file", O_RDWR | O_CREAT, 0644);
    unlink("/tmp/itself-file");
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    fstat(fd, &by_descriptor);
    say("stat", stat(path, &by_link));
    printf("  the same file: %d\n", by_link.st_ino == by_descriptor.st_ino);
    lstat(path, &by_link);
    printf("  a link: %d\n", S_ISLNK(by_link.st_mode));
    say("not followed", open(path, O_RDONLY | O_NOFOLLOW));
    say("followed", open(path, O_RDONLY));
    mkdir("/tmp/itself-dir", 0755);
    if (chdir("/tmp/itself-dir") != 0) exit(1);
    say("through cwd", open("/proc/self/cwd/file", O_WRONLY | O_CREAT, 0644));
    say("there", access("/tmp/itself-dir/file", F_OK));
    say("through root", access("/proc/self/root/tmp/itself-dir/file", F_OK));
    unlink("file");
    rmdir("/tmp/itself-dir");
    show("/proc/self/cwd");
    say("in what was removed", open("/proc/self/cwd/file", O_WRONLY | O_CREAT, 0644));
    say("itself", open("/proc/self/cwd", O_RDONLY | O_DIRECTORY));
}

int main(int count, char **arguments) {
    if (count > 1 && !strcmp(arguments[1], "hello")) {
        puts("  hello");
        return 0;
    }
    if (count > 1) {
        if (arguments[1][0] == 'a') syscall(MIGRATE, 0, 1, 0);
        // Where programs are executed.
        if (!strcmp(arguments[1], "again")) {
            execl("/tmp/itself", "itself", "here", NULL);
            return 1;
        }
        changed();
        return 0;
    }
    const char *ways[] = {"here", "away", "again"};
    for (int way = 0; way < 3; way++) {
        printf("%s:\n", ways[way]);
        copy("/tmp/itself", 0755);
        run("/tmp/itself", ways[way]);
    }
    puts("links:");
    links();
    syscall(MIGRATE, 0, 1, 0);
    puts("links, elsewhere:");
    links();
    return 0;
}
