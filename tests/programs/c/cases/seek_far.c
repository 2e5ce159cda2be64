// A call that fails at once leaves no question to another torus behind, on which the next signal would wait for ever.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

enum { MIGRATE = 4097 };

static volatile sig_atomic_t rung;

static void ring(int signal) {
    (void)signal;
    rung = 1;
}

int main(void) {
    // Linux has no such call.
    syscall(MIGRATE, 0, 1, 0);
    int root = open("/", O_RDONLY | O_DIRECTORY);
    mkdir("/a-new-name", 0755);
    rmdir("/a-new-name");
    signal(SIGALRM, ring);
    struct itimerval soon = {.it_value = {.tv_usec = 100000}};
    setitimer(ITIMER_REAL, &soon, NULL);
    lseek(root, -1, SEEK_END);
    while (!rung)
        ;
    puts("rung");
    return 0;
}
