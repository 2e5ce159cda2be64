// What was opened in /proc of a process is of that process and its program: not of a set-id program that it executes later, and not of whoever
// has its number after it.
#include "../copies_itself.h"
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void say(const char *what, long result) {
    printf("%s: %s\n", what, result >= 0 ? "done" : strerrorname_np(errno));
    fflush(stdout);
}

static int of(int directory, const char *name, int flags) {
    return openat(directory, name, flags | O_CLOEXEC);
}

int main(int count, char **arguments) {
    if (count > 1) {
        // The program: tells that it is there, and waits.
        if (write(1, "", 1) != 1) return 1;
        char byte;
        return read(0, &byte, 1) != 0;
    }
    copy("/tmp/held-set-id", 04755);
    copy("/tmp/held-closed", 0711);
    if (setgid(1000) != 0 || setuid(1000) != 0) return 1;
    prctl(PR_SET_DUMPABLE, 1);
    for (int closed = 0; closed < 2; closed++) {
        const char *program = closed ? "/tmp/held-closed" : "/tmp/held-set-id";
        printf("%s\n", program);
        fflush(stdout);
        int go[2], ready[2];
        if (pipe(go) != 0 || pipe(ready) != 0) return 1;
        int child = fork();
        if (child == 0) {
            dup2(go[0], 0);
            dup2(ready[1], 1);
            close(go[1]);
            char byte;
            if (read(0, &byte, 1) != 1) _exit(1);
            execl(program, program, "x", NULL);
            _exit(1);
        }
        close(go[0]);
        char path[64], byte;
        snprintf(path, sizeof path, "/proc/%d", child);
        int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int map = of(directory, "pagemap", O_RDONLY), adjust = of(directory, "oom_score_adj", O_RDWR);
        int fds = of(directory, "fd", O_RDONLY | O_DIRECTORY);
        uint64_t words[8];
        printf("before: %d bytes\n", (int)pread(map, words, sizeof words, 0));
        if (write(go[1], "", 1) != 1 || read(ready[0], &byte, 1) != 1) return 1;
        printf("after: %d bytes\n", (int)pread(map, words, sizeof words, 0));
        say("pagemap", of(directory, "pagemap", O_RDONLY));
        say("maps", of(directory, "maps", O_RDONLY));
        say("environ", of(directory, "environ", O_RDONLY));
        say("exe", readlinkat(directory, "exe", path, sizeof path));
        say("through exe", of(directory, "exe", O_RDONLY));
        say("through fd", of(fds, "0", O_RDONLY));
        say("through cwd", of(directory, "cwd/tmp", O_RDONLY));
        close(go[1]);
        waitpid(child, NULL, 0);
        say("of one that has ended", of(directory, "stat", O_RDONLY) < 0 ? 0 : -1);
        say("its adjustment", write(adjust, "1", 1));
        printf("its pages: %d bytes\n", (int)pread(map, words, sizeof words, 0));
    }
    return 0;
}
