/* What a program has much of does not make other things dearer: for each row an operation is done where there is little of something and where there
 * is much more of it, on a machine whose clock counts instructions. The mean cost may grow, but by far less than what there is of the thing. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096 };

/* Processor time of this process, in nanoseconds. */
static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * 1e9 + t.tv_nsec;
}

static void die(const char *what) {
    printf("%s: %s\n", what, strerror(errno));
    fflush(stdout);
    _exit(1);
}

/* Much memory of one page each, every second of them not to be written to: so many mappings. */
static char *mappings(long count) {
    char *all = mmap(0, count * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (all == MAP_FAILED) die("mmap");
    for (long page = 1; page < count; page += 2)
        if (mprotect(all + page * PAGE, PAGE, PROT_READ)) die("mprotect");
    return all;
}

/* A file of two pages that is cut to one, with so many mappings of other things. */
static double truncated(long count) {
    enum { TIMES = 20 };
    char *others = mappings(count);
    int fd = memfd_create("cut", 0);
    if (fd < 0 || ftruncate(fd, 2 * PAGE)) die("file");
    char *file = mmap(0, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    double spent = 0;
    for (int i = 0; i < TIMES; i++) {
        file[PAGE] = 1;
        double start = now();
        if (ftruncate(fd, PAGE)) die("ftruncate");
        spent += now() - start;
        if (ftruncate(fd, 2 * PAGE)) die("ftruncate");
        if (file[PAGE]) die("not cut");
    }
    munmap(file, 2 * PAGE);
    close(fd);
    munmap(others, count * PAGE);
    return spent / TIMES;
}

/* Memory that goes to the swap disk and comes back, with so many mappings of other things. */
static double evicted(long count) {
    enum { PAGES = 10240, ROUNDS = 2 };
    char *others = mappings(count);
    char *all = mmap(0, (long)PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED) die("mmap");
    double start = now();
    for (int round = 0; round < ROUNDS; round++)
        for (long page = 0; page < PAGES; page++) {
            if (all[page * PAGE] != round) die("another page");
            all[page * PAGE]++;
        }
    double spent = now() - start;
    munmap(all, (long)PAGES * PAGE);
    munmap(others, count * PAGE);
    return spent / PAGES / ROUNDS;
}

/* The path of a directory that is made last among so many names. */
static double named(long count) {
    enum { TIMES = 20 };
    char path[64];
    if (mkdir("/tmp/named", 0700) || chdir("/tmp/named")) die("directory");
    for (long i = 0; i < count; i++) {
        sprintf(path, "%ld", i);
        if (mknod(path, S_IFREG | 0600, 0)) die("mknod");
    }
    if (mkdir("last", 0700) || chdir("last")) die("last");
    double start = now();
    for (int i = 0; i < TIMES; i++)
        if (!getcwd(path, sizeof path)) die("getcwd");
    double spent = now() - start;
    if (strcmp(path, "/tmp/named/last")) die("path");
    chdir("..");
    rmdir("last");
    for (long i = 0; i < count; i++) {
        sprintf(path, "%ld", i);
        unlink(path);
    }
    chdir("/");
    rmdir("/tmp/named");
    return spent / TIMES;
}

/* A lock that nobody wants is set and let go, while so many processes wait for a lock of another file. */
static double waited(long count) {
    enum { TIMES = 20 };
    int wanted = open("/tmp/wanted", O_CREAT | O_RDWR, 0600), other = open("/tmp/other", O_CREAT | O_RDWR, 0600);
    struct flock lock = {.l_type = F_WRLCK, .l_len = 1}, unlock = {.l_type = F_UNLCK, .l_len = 1};
    if (fcntl(wanted, F_SETLK, &lock)) die("lock");
    for (long i = 0; i < count; i++) {
        pid_t child = fork();
        if (child < 0) die("fork");
        if (child == 0) _exit(fcntl(wanted, F_SETLKW, &lock));
    }
    usleep(300000);
    double start = now();
    for (int i = 0; i < TIMES; i++)
        if (fcntl(other, F_SETLK, &lock) || fcntl(other, F_SETLK, &unlock)) die("other");
    double spent = now() - start;
    close(wanted);
    int status;
    while (wait(&status) > 0)
        if (status) die("child");
    close(other);
    unlink("/tmp/wanted");
    unlink("/tmp/other");
    return spent / TIMES;
}

/* A file that this process alone has mapped is cut, while there are so many other programs. */
static double alone(long count) {
    pid_t children[count];
    for (long i = 0; i < count; i++) {
        children[i] = vfork();
        if (children[i] < 0) die("vfork");
        if (children[i] == 0) _exit(execl("/proc/self/exe", "growth", "-", (char *)0));
    }
    double spent = truncated(2);
    for (long i = 0; i < count; i++) {
        kill(children[i], SIGKILL);
        waitpid(children[i], 0, 0);
    }
    return spent;
}

static const struct row {
    const char *name;
    double (*cost)(long);
    long little, much;
} rows[] = {
    {"truncated", truncated, 100, 40000},
    {"evicted", evicted, 100, 40000},
    {"alone", alone, 2, 150},
    {"named", named, 10, 4000},
    {"waited", waited, 5, 200},
};

int main(int argc, char **argv) {
    if (argc > 1 && !strcmp(argv[1], "-")) pause();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        int wanted = argc < 2;
        for (int word = 1; word < argc; word++) wanted |= !strcmp(argv[word], row->name);
        if (!wanted) continue;
        double little = row->cost(row->little), much = row->cost(row->much);
        /* A little is the machine's own: clocks, caches that are warm, another level of a tree. */
        if (much < 2 * little + 1000) printf("%s\n", row->name);
        else printf("%s grows: %.0f with %ld, %.0f with %ld\n", row->name, little, row->little, much, row->much);
        if (getenv("TELL")) fprintf(stderr, "%s: %.0f with %ld, %.0f with %ld\n", row->name, little, row->little, much, row->much);
        fflush(stdout);
    }
    return 0;
}
