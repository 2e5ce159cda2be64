// Where a program lies is not for everybody: /proc/PID/stat shows code, stack and heap to those who may look into the process.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

// Fields 26 to 28 and 47 of a process's stat: start and end of code, start of stack, start of heap.
static void places(pid_t pid, unsigned long found[4]) {
    char path[64], line[2048];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "r");
    if (!file || !fgets(line, sizeof line, file)) exit(1);
    fclose(file);
    char *word = strtok(strrchr(line, ')') + 2, " ");
    for (int field = 3; word; field++, word = strtok(NULL, " ")) {
        if (field >= 26 && field <= 28) found[field - 26] = strtoul(word, NULL, 10);
        if (field == 47) found[3] = strtoul(word, NULL, 10);
    }
}

int main(void) {
    unsigned long found[4];
    places(getpid(), found);
    int shown = found[0] > 1 && found[1] > found[0] && found[2] > found[1] && found[3] > 0;
    printf("own: %s\n", shown ? "shown" : "hidden");
    fflush(stdout);
    if (fork() == 0) {
        if (setuid(1000) != 0) return 1;
        places(getppid(), found);
        printf("of user 0: %lu %lu %lu %lu\n", found[0], found[1], found[2], found[3]);
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
    return 0;
}
