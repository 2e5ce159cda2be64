// What a user may learn of, and do to, processes of others, of his own, and of set-id programs that he has executed, on his torus and on another.
#include "../copies_itself.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MIGRATE = 4097 };

static void say(const char *what, long result) {
    printf(" %s:%s", what, result >= 0 ? "ok" : strerrorname_np(errno));
}

static void probe(pid_t pid) {
    char path[64], buffer[256];
    static const char *texts[] = {"auxv", "cgroup", "cmdline", "comm", "coredump_filter", "environ", "io", "limits", "maps", "mountinfo", "oom_score",
        "oom_score_adj", "pagemap", "smaps", "smaps_rollup", "stat", "statm", "status", "wchan", "fd", "fdinfo", "fdinfo/0", "fd/0", "task", "exe", "cwd", "root"};
    for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++) {
        snprintf(path, sizeof path, "/proc/%d/%s", pid, texts[i]);
        int fd = open(path, O_RDONLY);
        if (fd < 0) { say(texts[i], -1); continue; }
        // Linux asks some of it when it is read.
        struct stat stat;
        fstat(fd, &stat);
        if (S_ISREG(stat.st_mode)) say(texts[i], read(fd, buffer, 8)); else say(texts[i], 0);
        close(fd);
    }
    puts("");
    static const char *written[] = {"comm", "coredump_filter", "oom_score_adj"};
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "/proc/%d/%s", pid, written[i]);
        int fd = open(path, O_WRONLY);
        say(written[i], fd < 0 ? -1 : write(fd, "7", 1));
        close(fd);
    }
    static const char *links[] = {"exe", "cwd", "root", "fd/0"};
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "/proc/%d/%s", pid, links[i]);
        say(links[i], readlink(path, buffer, sizeof buffer));
    }
    struct stat stat;
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    lstat(path, &stat);
    printf(" owner:%d", stat.st_uid);
    snprintf(path, sizeof path, "/proc/%d", pid);
    lstat(path, &stat);
    printf(" %d\n", stat.st_uid);
    struct rlimit limit = {100, 100};
    struct sched_param param = {0};
    cpu_set_t set;
    union sigval value = {0};
    say("kill", kill(pid, 0));
    say("winch", kill(pid, SIGWINCH));
    say("cont", kill(pid, SIGCONT));
    say("queue", sigqueue(pid, SIGWINCH, value));
    say("tgkill", syscall(SYS_tgkill, pid, pid, SIGWINCH));
    say("getpriority", getpriority(PRIO_PROCESS, pid));
    say("setpriority", setpriority(PRIO_PROCESS, pid, 5));
    say("getlimit", prlimit(pid, RLIMIT_NOFILE, NULL, &limit));
    say("setlimit", prlimit(pid, RLIMIT_NOFILE, &limit, NULL));
    say("getaffinity", sched_getaffinity(pid, sizeof set, &set));
    say("getscheduler", sched_getscheduler(pid));
    say("getparam", sched_getparam(pid, &param));
    say("setscheduler", sched_setscheduler(pid, SCHED_BATCH, &param));
    say("getpgid", getpgid(pid));
    say("getsid", getsid(pid));
    say("setpgid", setpgid(pid, pid));
    puts("");
    fflush(stdout);
}

static int ready[2];

static void wait_for_end(void) {
    if (write(ready[1], "", 1) != 1) _exit(1);
    for (;;) pause();
}

static void become(int user) {
    if (setgid(user) != 0 || setuid(user) != 0) exit(1);
    prctl(PR_SET_DUMPABLE, 1);
}

static pid_t target(int kind) {
    char byte, number[16];
    pid_t pid = fork();
    if (pid == 0) {
        close(0);
        open("/dev/null", O_RDONLY);
        snprintf(number, sizeof number, "%d", ready[1]);
        switch (kind) {
        case 0: break;
        case 1: become(1001); break;
        case 2: become(1000); break;
        case 3: become(1000); prctl(PR_SET_DUMPABLE, 0); break;
        case 4: become(1000); execl("/tmp/whose-set-id", "set-id", number, NULL); _exit(1);
        case 5: if (setresuid(1000, 1001, 1000) != 0) _exit(1); break;
        case 6: if (setresuid(1001, 1000, 1001) != 0) _exit(1); break;
        case 7: if (setsid() < 0) _exit(1); break;
        }
        wait_for_end();
    }
    if (read(ready[0], &byte, 1) != 1) exit(1);
    return pid;
}

int main(int count, char **arguments) {
    if (count > 1) {
        ready[1] = atoi(arguments[1]);
        wait_for_end();
    }
    copy("/tmp/whose-set-id", 04755);
    if (pipe(ready) != 0) return 1;
    static const char *kinds[] = {"user 0's", "another user's", "his own", "his own, closed", "set-id", "real and saved", "effective", "another session's"};
    for (int away = 0; away < 2; away++)
        for (int kind = 0; kind < 8; kind++) {
            printf("%s, %d:\n", kinds[kind], away);
            fflush(stdout);
            pid_t pid = target(kind), child = fork();
            if (child == 0) {
                if (away) syscall(MIGRATE, 0, 1, 0);
                become(1000);
                probe(pid);
                _exit(0);
            }
            waitpid(child, NULL, 0);
            kill(pid, SIGKILL);
            waitpid(pid, NULL, 0);
        }
    return 0;
}
