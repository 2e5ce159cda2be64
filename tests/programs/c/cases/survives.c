// What a process has of itself after it has moved, executed a program, and executed a set-id program.
#include "../copies_itself.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MIGRATE = 4097 };

static void text(const char *name) {
    char path[64], line[64] = "";
    snprintf(path, sizeof path, "/proc/self/%s", name);
    int fd = open(path, O_RDONLY);
    if (fd < 0) { printf("  %s: %s\n", name, strerrorname_np(errno)); return; }
    long n = read(fd, line, sizeof line - 1);
    close(fd);
    printf("  %s: %.*s", name, n < 0 ? 0 : (int)n, line);
}

static void tell(const char *stage) {
    printf("%s:\n", stage);
    uid_t r, e, s;
    getresuid(&r, &e, &s);
    printf("  users %d %d %d files %d", r, e, s, setfsuid(-1));
    getresgid(&r, &e, &s);
    printf(", groups %d %d %d files %d", r, e, s, setfsgid(-1));
    gid_t groups[8];
    int n = getgroups(8, groups);
    for (int i = 0; i < n; i++) printf(" +%d", groups[i]);
    int death = -1;
    prctl(PR_GET_PDEATHSIG, &death);
    printf("\n  pdeathsig %d dumpable %d no_new_privs %d\n", death, prctl(PR_GET_DUMPABLE), prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    printf("  personality %#x umask %o", personality(-1), umask(0));
    umask(027);
    printf(" nice %d policy %d\n", getpriority(PRIO_PROCESS, 0), sched_getscheduler(0));
    sigset_t set, pending;
    sigprocmask(SIG_BLOCK, NULL, &set);
    sigpending(&pending);
    printf("  blocked");
    for (int i = 1; i < 32; i++) if (sigismember(&set, i)) printf(" %d", i);
    printf(" pending");
    for (int i = 1; i < 32; i++) if (sigismember(&pending, i)) printf(" %d", i);
    printf(" ignored");
    for (int i = 1; i < 32; i++) {
        struct sigaction action;
        if (sigaction(i, NULL, &action) == 0 && action.sa_handler == SIG_IGN) printf(" %d", i);
    }
    stack_t stack;
    sigaltstack(NULL, &stack);
    printf("\n  altstack %d", stack.ss_flags);
    struct itimerval timer;
    for (int which = 0; which < 3; which++) {
        getitimer(which, &timer);
        printf(" timer %d %ld", which, timer.it_value.tv_sec / 100);
    }
    puts("");
    struct rlimit limit;
    for (int i = 0; i < RLIM_NLIMITS; i++) {
        if (i == RLIMIT_SIGPENDING || i == RLIMIT_NPROC || i == RLIMIT_MSGQUEUE || i == RLIMIT_RTTIME || i == RLIMIT_NICE ||
            i == RLIMIT_RTPRIO) continue;
        getrlimit(i, &limit);
        printf(" %d: %ld %ld", i, (long)limit.rlim_cur, (long)limit.rlim_max);
    }
    puts("");
    for (int fd = 3; fd < 6; fd++) {
        int flags = fcntl(fd, F_GETFL);
        if (flags < 0) continue;
        printf("  fd %d flags %o at %ld", fd, flags, (long)lseek(fd, 0, SEEK_CUR));
        printf(" cloexec %d\n", fcntl(fd, F_GETFD));
    }
    // Whether others find the locks.
    fflush(stdout);
    if (fork() == 0) {
        int fd = open("/tmp/survives-locked", O_RDWR);
        struct flock lock = {.l_type = F_WRLCK};
        fcntl(fd, F_GETLK, &lock);
        printf("  record lock %d of the parent %d, flock %s\n", lock.l_type, lock.l_pid == getppid(), flock(fd, LOCK_EX | LOCK_NB) ? strerrorname_np(errno) : "free");
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
    text("comm");
    text("oom_score_adj");
    text("coredump_filter");
    char cwd[100];
    printf("  cwd %s leader %d group %d\n", getcwd(cwd, sizeof cwd), getsid(0) == getpid(), getpgrp() == getpid());
    fflush(stdout);
}

static void setup(void) {
    mkdir("/tmp/survives", 0755);
    if (chdir("/tmp/survives") != 0) exit(1);
    int lock = open("/tmp/survives-locked", O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0666);
    fchmod(lock, 0666);
    if (write(lock, "0123456789", 10) != 10) exit(1);
    lseek(lock, 4, SEEK_SET);
    struct flock record = {.l_type = F_WRLCK};
    fcntl(lock, F_SETLK, &record);
    int whole = open("/tmp/survives-locked", O_RDONLY | O_NONBLOCK);
    flock(whole, LOCK_SH);
    open("/tmp/survives-locked", O_RDONLY | O_CLOEXEC);
    FILE *adjust = fopen("/proc/self/oom_score_adj", "w");
    fputs("500", adjust);
    fclose(adjust);
    adjust = fopen("/proc/self/coredump_filter", "w");
    fputs("0x11", adjust);
    fclose(adjust);
    gid_t groups[] = {7, 8};
    setgroups(2, groups);
    setsid();
    setpriority(PRIO_PROCESS, 0, 3);
    struct sched_param none = {0};
    sched_setscheduler(0, SCHED_BATCH, &none);
    for (int i = 0; i < RLIM_NLIMITS; i++) {
        struct rlimit limit;
        getrlimit(i, &limit);
        if (i == RLIMIT_CORE) limit.rlim_cur = limit.rlim_max = 4096;
        if (i == RLIMIT_NOFILE) limit = (struct rlimit){100, 200};
        if (i == RLIMIT_STACK) limit = (struct rlimit){16 << 20, 32 << 20};
        if (i == RLIMIT_MEMLOCK) limit = (struct rlimit){1 << 20, 2 << 20};
        if (i == RLIMIT_FSIZE) limit = (struct rlimit){1 << 30, 1 << 30};
        if (i == RLIMIT_CPU) limit = (struct rlimit){1000, 2000};
        if (i == RLIMIT_DATA || i == RLIMIT_AS || i == RLIMIT_RSS || i == RLIMIT_LOCKS) limit = (struct rlimit){1l << 40, 1l << 41};
        if (i == RLIMIT_NICE || i == RLIMIT_RTPRIO) limit = (struct rlimit){1, 2};
        setrlimit(i, &limit);
    }
    if (setgid(1000) != 0 || setuid(1000) != 0) exit(1);
    prctl(PR_SET_DUMPABLE, 1);
    prctl(PR_SET_PDEATHSIG, SIGUSR1);
    personality(ADDR_NO_RANDOMIZE | 0x8000000);
    umask(027);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGUSR2);
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, exit);
    static char memory[8192];
    sigaltstack(&(stack_t){.ss_sp = memory, .ss_size = sizeof memory}, NULL);
    for (int which = 0; which < 3; which++) {
        struct itimerval timer = {.it_value = {.tv_sec = 350 + 100 * which}};
        setitimer(which, &timer, NULL);
    }
}

int main(int count, char **arguments) {
    setvbuf(stdout, NULL, _IOFBF, 65536);
    int stage = count > 1 ? atoi(arguments[1]) : 0;
    switch (stage) {
    case 0:
        copy("/tmp/survives-plain", 0755);
        copy("/tmp/survives-set-id", 04755);
        if (fork() == 0) {
            setup();
            tell("before");
            syscall(MIGRATE, 0, 1, 0);
            tell("moved");
            execl("/tmp/survives-plain", "survives", "1", NULL);
            _exit(1);
        }
        wait(NULL);
        return 0;
    case 1:
        tell("executed");
        syscall(MIGRATE, 0, 0, 0);
        tell("executed, back");
        execl("/tmp/survives-set-id", "survives", "2", NULL);
        return 1;
    case 2:
        tell("executed with other rights");
        syscall(MIGRATE, 0, 1, 0);
        tell("elsewhere");
        execl("/tmp/survives-plain", "survives", "3", NULL);
        return 1;
    default:
        tell("executed from there");
        return 0;
    }
}
