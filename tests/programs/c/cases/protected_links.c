// Links in sticky directories: fs.protected_symlinks and fs.protected_hardlinks, as Debian has them.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void say(const char *what, int answer) { printf("  %s: %s\n", what, answer < 0 ? strerrorname_np(errno) : "ok"); if (answer > 2) close(answer); }

static void as(uid_t user, void (*act)(void)) {
	fflush(stdout);
	if (!fork()) {
		setresuid(user, user, user);
		act();
		fflush(stdout);
		_exit(0);
	}
	wait(0);
}

static void make(void) {
	symlink("/dev/null", "link"), symlink("link", "second"), symlink("..", "up");
	close(open("file", O_CREAT | O_WRONLY, 0644)), close(open("free", O_CREAT | O_WRONLY, 0666)), chmod("free", 0666);
	close(open("set", O_CREAT | O_WRONLY, 0666)), chmod("set", 06777);
}

static void use(void) {
	struct stat s;
	say("link", open("link", O_RDONLY));
	say("link, to its own link", open("second", O_RDONLY));
	say("stat", stat("link", &s));
	say("lstat", lstat("link", &s));
	say("readlink", readlink("link", (char[9]){0}, 9));
	say("on through a link", stat("up/sticky/file", &s));
	say("a link with a slash", stat("up/", &s));
	say("a new name of a file", link("file", "../names/file"));
	say("of one that all may write", link("free", "../names/free"));
	say("of one that sets its user", link("set", "../names/set"));
	say("of a link", link("link", "../names/link"));
	unlink("../names/file"), unlink("../names/free"), unlink("../names/set"), unlink("../names/link");
}

static void everybody(const char *what) {
	printf("%s\n", what);
	puts(" owner of the links"), as(1000, use);
	puts(" another user"), as(1001, use);
	puts(" user 0"), as(0, use);
}

int main(void) {
	umask(0);
	mkdir("/tmp/protected", 0777), chdir("/tmp/protected"), mkdir("sticky", 01777), mkdir("names", 0777), chdir("sticky");
	as(1000, make);
	everybody("sticky");
	chown(".", 1000, -1);
	everybody("the owner's own");
	chown(".", 0, -1), chmod(".", 0777);
	everybody("not sticky");
	chmod(".", 01775);
	everybody("not for all");
	chdir("/tmp");
	const char *names[] = {"link", "second", "up", "file", "free", "set"};
	for (int at = 0; at < 6; at++) {
		char path[64];
		sprintf(path, "protected/sticky/%s", names[at]);
		unlink(path);
	}
	rmdir("protected/sticky"), rmdir("protected/names"), rmdir("protected");
}
