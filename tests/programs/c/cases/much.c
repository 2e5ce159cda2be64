/* What programs can make much of, besides what irqoff.c does: processes of a group, children, names in a directory, parts and links of paths, locks,
 * texts of /proc, pages of memory objects, and all of it at a process's end. No core may keep interrupts off for long in any of it. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static void say(const char *what, long value) {
    printf("%s %ld\n", what, value < 0 ? -errno : value);
    fflush(stdout);
}

/* Whether a file can be read to its end. */
static int reads(const char *path) {
    static char text[65536];
    int fd = open(path, O_RDONLY);
    long n, sum = 0;
    while ((n = read(fd, text, sizeof text)) > 0) sum += n;
    close(fd);
    return n == 0 && sum > 0;
}

/* How many names a directory has. */
static long names(const char *path) {
    DIR *directory = opendir(path);
    if (!directory) return -1;
    long count = 0;
    while (readdir(directory)) count++;
    closedir(directory);
    return count;
}

static void processes(void) {
    enum { N = 200 };
    static pid_t children[N];
    for (int i = 0; i < N; i++) {
        children[i] = fork();
        if (children[i] == 0)
            for (setpgid(0, i ? children[0] : 0);;) pause();
        setpgid(children[i], children[0]);
    }
    say("nobody", waitpid(-1, 0, WNOHANG));
    say("/proc", names("/proc") > N);
    say("usr1", kill(-children[0], 0));
    say("stop", kill(-children[0], SIGSTOP));
    int status, stopped = 0;
    while (stopped < N && waitpid(-children[0], &status, WUNTRACED) > 0) stopped += WIFSTOPPED(status);
    say("stopped", stopped);
    say("cont", kill(-children[0], SIGCONT));
    say("kill", kill(-children[0], SIGKILL));
    int killed = 0;
    while (waitpid(-1, &status, 0) > 0) killed += WIFSIGNALED(status);
    say("killed", killed);
    /* Children that go to the first process, some of them as zombies. */
    pid_t parent = fork();
    if (parent == 0) {
        for (int i = 0; i < N; i++)
            if (fork() == 0) {
                if (i % 2) usleep(300000);
                _exit(0);
            }
        _exit(0);
    }
    say("wait", waitpid(parent, 0, 0) > 0);
}

static void paths(void) {
    enum { DEEP = 200, MANY = 2000 };
    char name[256], path[4096];
    memset(name, 'n', 255), name[255] = 0;
    say("chdir", chdir("/tmp"));
    say("mkdir", mkdir(name, 0700));
    say("stat", access(name, F_OK));
    for (int i = 0; i < 40; i++) {
        char from[16], to[16];
        sprintf(from, "link%d", i), sprintf(to, "link%d", i + 1);
        symlink(i == 39 ? name : to, from);
    }
    say("links", access("link0", F_OK));
    strcpy(path, "/tmp/link0");
    for (int i = 0; i < 1000; i++) strcat(path, "/./");
    say("dots", access(path, F_OK));
    int made = 0;
    for (int i = 0; i < DEEP; i++) made += mkdir("deeper", 0700) == 0 && chdir("deeper") == 0;
    say("deep", made);
    say("getcwd", getcwd(path, sizeof path) != 0);
    say("access", access(path, F_OK));
    memset(path, 0, sizeof path);
    for (int i = 0; i < DEEP; i++) strcat(path, "../");
    say("chdir", chdir(path));
    for (int i = 0; i < DEEP; i++) chdir("deeper");
    for (int i = 0; i < DEEP; i++) chdir(".."), rmdir("deeper");
    say("rename", rename(name, "short"));
    say("mkdir", mkdir("many", 0700));
    chdir("many");
    for (int i = 0; i < MANY; i++) {
        sprintf(path, "%s%d", "a name that is neither short nor very long ", i);
        close(open(path, O_CREAT | O_WRONLY, 0600));
    }
    say("names", names("."));
    for (int i = 0; i < MANY; i++) {
        sprintf(path, "%s%d", "a name that is neither short nor very long ", i);
        unlink(path);
    }
    say("names", names("."));
    chdir("/tmp");
    say("rmdir", rmdir("many"));
}

static void locks(void) {
    enum { N = 3000 };
    int fd = open("/tmp/locks", O_CREAT | O_RDWR, 0600), done = 0;
    for (int i = 0; i < N; i++) {
        struct flock lock = {.l_type = i % 2 ? F_RDLCK : F_WRLCK, .l_start = 2 * i, .l_len = 1};
        done += fcntl(fd, F_SETLK, &lock) == 0;
    }
    say("locks", done);
    pid_t child = fork();
    if (child == 0) {
        struct flock all = {.l_type = F_WRLCK};
        say("setlk", fcntl(fd, F_SETLK, &all));
        say("getlk", fcntl(fd, F_GETLK, &all));
        struct flock last = {.l_type = F_RDLCK, .l_start = 2 * N - 2, .l_len = 1};
        say("last", fcntl(fd, F_SETLK, &last));
        _exit(0);
    }
    waitpid(child, 0, 0);
    struct flock all = {.l_type = F_UNLCK};
    say("unlock", fcntl(fd, F_SETLK, &all));
    for (int i = 0; i < N; i++) {
        struct flock lock = {.l_type = F_WRLCK, .l_start = 2 * i, .l_len = 1};
        fcntl(fd, F_SETLK, &lock);
    }
    all.l_type = F_RDLCK;
    say("join", fcntl(fd, F_SETLK, &all));
    for (int i = 0; i < N; i++) {
        struct flock lock = {.l_type = F_WRLCK, .l_start = 2 * i, .l_len = 1};
        fcntl(fd, F_SETLK, &lock);
    }
    say("close", close(fd));
}

static void proc(void) {
    enum { N = 150 };
    char *area = mmap(0, 2 * N * 4096L, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < N; i++) mprotect(area + i * 8192L, 4096, PROT_READ | PROT_WRITE), area[i * 8192L] = 1;
    char *large = mmap(0, 32 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(large, 1, 32 << 20);
    say("maps", reads("/proc/self/maps"));
    say("smaps", reads("/proc/self/smaps"));
    say("status", reads("/proc/self/status"));
    say("stat", reads("/proc/self/stat"));
    say("statm", reads("/proc/self/statm"));
    say("cmdline", reads("/proc/self/cmdline"));
    say("limits", reads("/proc/self/limits"));
    for (int i = 3; i < 1000; i++) dup2(1, i);
    say("fd", names("/proc/self/fd") > 990);
    say("close_range", syscall(SYS_close_range, 3, ~0u, 0));
    static const char *const machine[] = {"/proc/stat", "/proc/meminfo", "/proc/uptime", "/proc/loadavg", "/proc/cpuinfo", "/proc/mounts"};
    for (int i = 0; i < 6; i++) say(machine[i], reads(machine[i]));
}

static void descriptors(void) {
    enum { N = 20000 };
    struct rlimit many = {N + 100, N + 100};
    say("setrlimit", setrlimit(RLIMIT_NOFILE, &many));
    int made = 0;
    for (int i = 3; i < N; i++) made += dup2(1, i) == i;
    say("descriptors", made);
    fcntl(N - 1, F_SETFD, FD_CLOEXEC);
    say("status", reads("/proc/self/status"));
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) _exit(execl("/proc/self/exe", "much", "again", (char *)0));
    int status;
    say("again", waitpid(child, &status, 0) > 0 ? WEXITSTATUS(status) : -1);
    say("close_range", syscall(SYS_close_range, 3, ~0u, 0));
}

/* What a process that was executed has: all but the last. */
static int again(void) {
    return fcntl(19998, F_GETFD) == 0 && fcntl(19999, F_GETFD) < 0 ? 7 : 8;
}

static void objects(void) {
    int fd = memfd_create("object", MFD_ALLOW_SEALING);
    say("ftruncate", ftruncate(fd, 64 << 20));
    char *all = mmap(0, 64 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    memset(all, 1, 32 << 20);
    pid_t child = fork();
    if (child == 0) {
        memset(all + (32 << 20), 2, 1 << 20);
        _exit(0);
    }
    say("wait", waitpid(child, 0, 0) > 0);
    char *own = mmap(0, 64 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    for (long i = 0; i < 64 << 20; i += 4096) own[i] += 1;
    say("sum", own[0] + own[33 << 20]);
    say("msync", msync(all, 64 << 20, MS_SYNC));
    say("shrink", ftruncate(fd, 4096));
    say("dontneed", madvise(own, 64 << 20, MADV_DONTNEED));
    say("grow", ftruncate(fd, 1L << 40));
    munmap(all, 64 << 20);
    munmap(own, 64 << 20);
    say("seal", fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_WRITE));
    close(fd);
}

static void end(void) {
    pid_t child = fork();
    if (child == 0) {
        char *area = mmap(0, 6000 * 4096L, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        for (int i = 0; i < 3000; i++) mprotect(area + i * 8192L, 4096, PROT_READ | PROT_WRITE), area[i * 8192L] = 1;
        char *large = mmap(0, 64 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memset(large, 1, 64 << 20);
        int fd = open("/tmp/end", O_CREAT | O_RDWR, 0600);
        for (int i = 0; i < 1000; i++) {
            struct flock lock = {.l_type = F_WRLCK, .l_start = 2 * i, .l_len = 1};
            fcntl(fd, F_SETLK, &lock);
        }
        for (int i = 0; i < 900; i++) dup(fd);
        int ends[2];
        for (int i = 0; i < 20 && pipe(ends) == 0; i++) fcntl(ends[1], F_SETPIPE_SZ, 65536), write(ends[1], large, 65536);
        struct itimerval timer = {{1000, 0}, {1000, 0}};
        setitimer(ITIMER_REAL, &timer, 0);
        _exit(3);
    }
    int status;
    say("wait", waitpid(child, &status, 0) > 0 ? WEXITSTATUS(status) : -1);
}

int main(int argc, char **argv) {
    (void)argv;
    if (argc > 1) return again();
    processes();
    paths();
    locks();
    proc();
    descriptors();
    objects();
    end();
    return 0;
}
