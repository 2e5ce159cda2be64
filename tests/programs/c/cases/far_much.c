/* Much of what is at another torus than the process: files that are polled, names and paths, memory that a move leaves behind, children that are
 * forked after it. On one torus, and on Linux, there is no move. No core may keep interrupts off for long in any of it. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIGRATE 4097
enum { N = 480, NAMES = 300 };

static void say(const char *what, long value) {
    printf("%s %ld\n", what, value < 0 ? -errno : value);
    fflush(stdout);
}

static void nothing(int signal) { (void)signal; }

int main(void) {
    static struct pollfd list[2 * N];
    int ends[2], count = 0;
    while (count < 2 * N && pipe(ends) == 0)
        for (int i = 0; i < 2; i++) list[count++] = (struct pollfd){ends[i], i ? 0 : POLLIN, 0};
    say("pipes", count);
    for (int signal = 1; signal < 65; signal++) sigaction(signal, &(struct sigaction){.sa_handler = nothing}, 0);
    for (int i = 0; i < 300; i++) mmap(0, 4096, i % 2 ? PROT_READ : PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *area = mmap(0, 16 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(area, 1, 16 << 20);
    syscall(MIGRATE, 0L, 1L);
    say("poll", poll(list, count, 0));
    write(list[1].fd, "x", 1);
    say("poll", poll(list, count, -1));
    say("mkdir", mkdir("/tmp/far", 0700));
    say("chdir", chdir("/tmp/far"));
    char path[4096];
    for (int i = 0; i < NAMES; i++) {
        sprintf(path, "a name that is neither short nor very long %d", i);
        close(open(path, O_CREAT | O_WRONLY, 0600));
    }
    DIR *directory = opendir(".");
    int names = 0;
    while (readdir(directory)) names++;
    closedir(directory);
    say("names", names);
    strcpy(path, "/tmp/far");
    for (int i = 0; i < 1000; i++) strcat(path, "/./");
    say("dots", access(path, F_OK));
    if (fork() == 0) {
        long sum = 0;
        for (long i = 0; i < 16 << 20; i += 4096) sum += area[i]++;
        _exit(sum == 4096 ? 7 : 1);
    }
    int status;
    say("child", wait(&status) > 0 ? WEXITSTATUS(status) : -1);
    syscall(MIGRATE, 0L, 0L);
    long sum = 0;
    for (long i = 0; i < 16 << 20; i += 4096) sum += area[i];
    say("sum", sum);
    for (int i = 0; i < NAMES; i++) {
        sprintf(path, "a name that is neither short nor very long %d", i);
        unlink(path);
    }
    chdir("/tmp");
    say("rmdir", rmdir("far"));
    return 0;
}
