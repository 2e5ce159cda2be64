// The terminal is the session's whose controlling terminal it is: others have no /dev/tty, and groups in the background change nothing of it,
// on whichever torus they are. Descriptor 0 is the terminal, and this process leads its session.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { MIGRATE = 4097 };

static volatile sig_atomic_t told;

static void hear(int signal) {
    (void)signal;
    told++;
}

static void say(const char *what, long result) {
    printf("  %s: %s\n", what, result >= 0 ? "done" : strerrorname_np(errno));
    fflush(stdout);
}

static void open_tty(void) {
    int fd = open("/dev/tty", O_RDWR);
    say("open", fd);
    if (fd >= 0) close(fd);
}

static int group;

static void requests(void) {
    struct termios termios;
    struct winsize size;
    int number;
    say("TCGETS", ioctl(0, TCGETS, &termios));
    say("TCSETS", ioctl(0, TCSETS, &termios));
    say("TCFLSH", ioctl(0, TCFLSH, 0));
    say("TCSBRK", ioctl(0, TCSBRK, 1));
    say("TIOCGWINSZ", ioctl(0, TIOCGWINSZ, &size));
    say("TIOCSWINSZ", ioctl(0, TIOCSWINSZ, &size));
    say("TIOCGPGRP", ioctl(0, TIOCGPGRP, &number));
    say("TIOCGSID", ioctl(0, TIOCGSID, &number));
    say("TIOCSPGRP", ioctl(0, TIOCSPGRP, &group));
    printf("  told %d times\n", told);
}

static void in_child(const char *name, void (*act)(void)) {
    // Once where its parent is, once elsewhere.
    for (int away = 0; away < 2; away++) {
        printf("%s:\n", name);
        fflush(stdout);
        int child = fork();
        if (child == 0) {
            if (away) syscall(MIGRATE, 0, 1, 0);
            act();
            fflush(stdout);
            _exit(0);
        }
        waitpid(child, NULL, 0);
    }
}

static void in_front(void) {
    open_tty();
    requests();
}

static void in_back(void) {
    setpgid(0, 0);
    struct sigaction action = {.sa_handler = hear};
    sigaction(SIGTTOU, &action, NULL);
    open_tty();
    requests();
}

static void in_back_deaf(void) {
    setpgid(0, 0);
    signal(SIGTTOU, SIG_IGN);
    struct termios termios;
    say("TCFLSH", ioctl(0, TCFLSH, 0));
    ioctl(0, TCGETS, &termios);
    say("TCSETS", ioctl(0, TCSETS, &termios));
}

static void in_own_session(void) {
    setsid();
    open_tty();
    requests();
    // An argument of 1 takes it away from others, for user 0.
    say("TIOCSCTTY", ioctl(0, TIOCSCTTY, 0));
    say("TIOCNOTTY", ioctl(0, TIOCNOTTY));
    if (setuid(1000) != 0) exit(1);
    say("TIOCSCTTY as another user", ioctl(0, TIOCSCTTY, 1));
}

static void giving_up(void) {
    say("TIOCNOTTY", ioctl(0, TIOCNOTTY));
    open_tty();
    if (fork() == 0) {
        open_tty();
        _exit(0);
    }
    wait(NULL);
    say("TIOCNOTTY again", ioctl(0, TIOCNOTTY));
    say("TIOCSCTTY", ioctl(0, TIOCSCTTY, 0));
}

static void as_another_user(void) {
    if (setuid(1000) != 0) exit(1);
    open_tty();
    say("console", open("/dev/console", O_RDWR));
}

// A session whose leader ends has no terminal any more, and another one may have it.
static void leader_ends(void) {
    struct sigaction action = {.sa_handler = hear};
    int ready[2];
    if (pipe(ready) != 0) exit(1);
    if (fork() == 0) {
        setsid();
        say("TIOCSCTTY", ioctl(0, TIOCSCTTY, 0));
        if (fork() == 0) {
            sigaction(SIGHUP, &action, NULL);
            open_tty();
            int leader = getppid();
            close(ready[0]);
            kill(leader, SIGKILL);
            while (getppid() == leader || !told) usleep(1000);
            printf("  told %d times\n", told);
            open_tty();
            _exit(0);
        }
        pause();
    }
    close(ready[1]);
    char byte;
    wait(NULL);
    if (read(ready[0], &byte, 1) != 0) exit(1);
    say("TIOCSCTTY afterwards", ioctl(0, TIOCSCTTY, 0));
}

int main(void) {
    group = getpgrp();
    struct stat stat;
    int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
    fstat(tty, &stat);
    char path[64], name[64] = "";
    snprintf(path, sizeof path, "/proc/self/fd/%d", tty);
    if (readlink(path, name, sizeof name - 1) < 0) return 1;
    printf("%s %u:%u %o\n", name, major(stat.st_rdev), minor(stat.st_rdev), stat.st_mode & 0111);
    say("opened again", open(path, O_RDWR));
    in_child("in front", in_front);
    in_child("in the back", in_back);
    in_child("in the back, deaf", in_back_deaf);
    in_child("in a session of its own", in_own_session);
    in_child("giving up", giving_up);
    in_child("as another user", as_another_user);
    say("TIOCSCTTY of one's own", ioctl(0, TIOCSCTTY, 0));
    signal(SIGHUP, SIG_IGN);
    say("TIOCNOTTY", ioctl(0, TIOCNOTTY));
    leader_ends();
    return 0;
}
