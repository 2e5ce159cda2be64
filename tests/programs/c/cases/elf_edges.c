// Executables with headers that are odd: segments past the end of the file, over each other, in any order, with zeros in the middle,
// and what is wrong before and after the old program has gone.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct { unsigned type, flags; unsigned long offset, vaddr, paddr, filesz, memsz, align; } Seg;
enum { L = 1, R = 4, W = 2, X = 1 };
static unsigned char file[65536];
static unsigned long size;

// exit_group(*(unsigned char *)at); with `write` the byte is written first.
static void code(unsigned long where, unsigned long at, int write) {
	unsigned char *c = file + where;
	*c++ = 0x48; *c++ = 0xb8; memcpy(c, &at, 8); c += 8; // mov rax, at
	if (write) { *c++ = 0xfe; *c++ = 0x00; } // inc byte [rax]
	*c++ = 0x0f; *c++ = 0xb6; *c++ = 0x38; // movzx edi, byte [rax]
	*c++ = 0xb8; *c++ = 231; *c++ = 0; *c++ = 0; *c++ = 0; // mov eax, 231
	*c++ = 0x0f; *c++ = 0x05;
}

static void header(int type, unsigned long entry, int count) {
	memset(file, 0, sizeof file);
	memcpy(file, "\177ELF\2\1\1", 7);
	*(unsigned short *)(file + 16) = type;
	*(unsigned short *)(file + 18) = 62;
	*(unsigned *)(file + 20) = 1;
	*(unsigned long *)(file + 24) = entry;
	*(unsigned long *)(file + 32) = 64;
	*(unsigned short *)(file + 52) = 64;
	*(unsigned short *)(file + 54) = 56;
	*(unsigned short *)(file + 56) = count;
	size = 0x3000;
	for (int i = 0x1000; i < 0x8000; i++) file[i] = i >> 12 << 4 | (i >> 8 & 15);
}
static void put(int index, Seg seg) { memcpy(file + 64 + 56 * index, &seg, 56); }

static void run(const char *what) {
	int f = open("/tmp/elf", O_CREAT | O_WRONLY | O_TRUNC, 0755);
	write(f, file, size);
	close(f);
	fflush(stdout);
	pid_t child = fork();
	if (!child) {
		execl("/tmp/elf", "elf", (char *)0);
		printf("%s: errno %d\n", what, errno);
		fflush(stdout);
		_exit(99);
	}
	int status;
	waitpid(child, &status, 0);
	printf("%s: %x\n", what, status);
}

#define TEXT 0x400000UL
// Code at TEXT that answers the byte at `at`, and what else the file has.
static void program(int count, unsigned long at, int write) {
	header(2, TEXT + 0x800, count);
	code(0x800, at, write);
	put(0, (Seg){L, R | X, 0, TEXT, TEXT, 0x1000, 0x1000, 0x1000});
}
#define SEG(index, flags, offset, vaddr, filesz, memsz) put(index, (Seg){L, flags, offset, vaddr, vaddr, filesz, memsz, 0x1000})

int main(void) {
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	program(2, 0x500123, 0); SEG(1, R, 0x1000, 0x500000, 0x1000, 0x1000); run("plain");
	program(2, 0x3ff123, 0); SEG(1, R, 0x1000, 0x3ff000, 0x1000, 0x1000); run("below the first");
	program(3, 0x500123, 0); SEG(1, R, 0x1000, 0x500000, 0x1000, 0x1000); SEG(2, R, 0x2000, 0x500000, 0x1000, 0x1000); run("over each other");
	program(3, 0x501123, 0); SEG(1, R, 0x1000, 0x500000, 0x2000, 0x2000); SEG(2, R, 0x1000, 0x500000, 0x1000, 0x1000); run("the second page is left");
	program(3, 0x500123, 0); SEG(1, R, 0x1000, 0x500000, 0x1000, 0x1000); SEG(2, R, 0, 0x500000, 0, 0x1000); run("zeros over bytes");
	program(3, 0x500823, 0); SEG(1, R | W, 0x1000, 0x500000, 0x800, 0x900); SEG(2, R, 0x1000, 0x500000, 0x1000, 0x1000); run("a tail that is hidden");
	program(2, 0x500823, 0); SEG(1, R | W, 0x1000, 0x500000, 0x800, 0x900); run("a tail");
	program(2, 0x500823, 0); SEG(1, R, 0x1000, 0x500000, 0x800, 0x900); run("a tail that is read only");
	program(2, 0x500823, 0); SEG(1, R | W, 0x1000, 0x500000, 0x800, 0x800); run("bytes after the segment");
	program(2, 0x501823, 1); SEG(1, R, 0x1000, 0x500000, 0x800, 0x2000); run("zeros of a read-only segment");
	program(2, 0x500823, 1); SEG(1, R, 0, 0x500000, 0, 0x1000); run("zeros alone, read only");
	program(2, 0x500123, 1); SEG(1, R, 0x1000, 0x500000, 0x1000, 0x1000); run("bytes that are read only");
	program(2, TEXT + 0x800, 0); SEG(1, R, 0x7000, 0x500000, 0x1000, 0x1000); run("past the end");
	program(2, 0x500123, 0); SEG(1, R, 0x7000, 0x500000, 0x1000, 0x1000); run("past the end, read");
	program(2, TEXT + 0x800, 0); SEG(1, R | W, 0x7000, 0x500000, 0x800, 0x900); run("past the end, with a tail");
	program(2, TEXT + 0x800, 0); SEG(1, R, 0x7000, 0x500000, 0x800, 0x900); run("past the end, with a tail that is read only");
	program(2, 0x500123, 0); SEG(1, R, 0x2000, 0x500000, 0x5000, 0x5000); run("partly past the end");
	program(2, 0x501123, 0); SEG(1, R, 0x2000, 0x500000, 0x5000, 0x5000); run("partly past the end, read");
	program(2, 0x500700, 0); size = 0x2400; SEG(1, R, 0x2000, 0x500000, 0x1000, 0x1000); run("the last page of the file");
	program(2, TEXT + 0x800, 0); SEG(1, R, 0x1001, 0x500000, 0x800, 0x800); run("not aligned");
	program(2, TEXT + 0x800, 0); SEG(1, R, 0x1001, 0x500000, 0, 0x800); run("not aligned, without bytes");
	program(2, 0x500223, 0); SEG(1, R, 0x1100, 0x500100, 0x800, 0x800); run("in the middle of a page");
	program(2, TEXT + 0x800, 0); SEG(1, R, 0x1000, 0x500000, 0x801, 0x800); run("more bytes than memory");
	program(2, TEXT + 0x800, 0); SEG(1, R, 0x1000, 0x7ffffffff000, 0x800, 0x800); run("too high");
	program(2, TEXT + 0x800, 0); SEG(1, R, 0x1000, 0x500000, 0x800, 0x7ffffffff000); run("too large");
	program(2, TEXT + 0x800, 0); SEG(1, R, 0x1000, 0x500000, 0, 0); run("empty");
	program(2, TEXT + 0x800, 0); SEG(1, R, ~0xfffUL, 0x500000, 0x800, 0x800); run("a negative offset");
	program(1, TEXT + 0x800, 0); *(unsigned long *)(file + 24) = 0x7ffffffff000; run("entry too high");
	program(1, TEXT + 0x800, 0); *(unsigned long *)(file + 24) = 0x600000; run("entry not mapped");
	program(1, TEXT + 0x800, 0); put(0, (Seg){0}); run("nothing to load");
	program(1, TEXT + 0x800, 0); put(0, (Seg){L, R, 0, TEXT, TEXT, 0x1000, 0x1000, 0x1000}); run("not executable");
	program(1, TEXT + 0x800, 0); *(unsigned short *)(file + 54) = 55; run("size of headers");
	program(1, TEXT + 0x800, 0); *(unsigned short *)(file + 56) = 0; run("no headers");
	program(1, TEXT + 0x800, 0); *(unsigned short *)(file + 56) = 1171; run("too many headers");
	program(1, TEXT + 0x800, 0); *(unsigned long *)(file + 32) = 0x2ff0; run("headers past the end");
	program(1, TEXT + 0x800, 0); *(unsigned long *)(file + 32) = ~0UL; run("headers nowhere");
	program(1, TEXT + 0x800, 0); file[16] = 1; run("an object file");
	program(1, TEXT + 0x800, 0); file[18] = 183; run("another machine");
	program(1, TEXT + 0x800, 0); file[5] = 2; file[6] = 7; run("byte order and version");
	program(1, TEXT + 0x800, 0); size = 60; run("a short file");
	program(2, TEXT + 0x800, 0); put(1, (Seg){3, R, 0x1000, 0, 0, 1, 1, 1}); run("interpreter of one byte");
	program(2, TEXT + 0x800, 0); put(1, (Seg){3, R, 0x1000, 0, 0, 4097, 1, 1}); run("interpreter of many");
	program(2, TEXT + 0x800, 0); put(1, (Seg){3, R, 0x1000, 0, 0, 16, 1, 1}); run("interpreter without end");
	program(2, TEXT + 0x800, 0); put(1, (Seg){3, R, 0x7000, 0, 0, 16, 1, 1}); run("interpreter past the end");
	program(2, TEXT + 0x800, 0); memcpy(file + 0x1000, "/none", 6); put(1, (Seg){3, R, 0x1000, 0, 0, 6, 1, 1}); run("interpreter that is not there");
	header(3, 0x800, 1); code(0x800, 0, 0); file[0x800] = 0x31; file[0x801] = 0xff; file[0x802] = 0xb8; file[0x803] = 231; memset(file + 0x804, 0, 3); file[0x807] = 0x0f; file[0x808] = 5;
	SEG(0, R | X, 0, 0, 0x1000, 0x1000); run("anywhere");
	*(unsigned short *)(file + 56) = 2; SEG(0, R | X, 0, 0x10000, 0x1000, 0x1000); SEG(1, R, 0, 0, 0x1000, 0x1000); *(unsigned long *)(file + 24) = 0x10800; run("anywhere, descending");
	put(0, (Seg){L, R | X, 0, 0, 0, 0x1000, 0x1000, 0x200000}); *(unsigned short *)(file + 56) = 1; *(unsigned long *)(file + 24) = 0x800; run("anywhere, aligned");
	unlink("/tmp/elf");
}
