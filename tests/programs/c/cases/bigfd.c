// A descriptor with a high number, and children that each have a copy of the table.
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
    struct rlimit files = {1 << 20, 1 << 20};
    setrlimit(RLIMIT_NOFILE, &files);
    int fd = dup2(1, (1 << 20) - 1);
    // Linux may allow fewer.
    printf("%d\n", fd < 0 || fd == (1 << 20) - 1); fflush(stdout);
    int children[40], n = 0, kept = 0;
    for (; n < 40; n++) {
        if ((children[n] = fork()) < 0) break;
        if (!children[n]) { for (;;) pause(); }
    }
    for (int k = 0; k < n; k++) { kill(children[k], SIGKILL); kept += waitpid(children[k], 0, 0) == children[k]; }
    printf("%d\n", kept == n);
    return 0;
}
