// The names behind /proc/self/fd/N: files that are there, renamed, removed, and nameless.
#define _GNU_SOURCE
#include <stdio.h>
#include <unistd.h>
#include <fcntl.h>
#include <string.h>
#include <stdlib.h>
static void show(int f){ char n[64],b[256]={0}; sprintf(n,"/proc/self/fd/%d",f); int r=readlink(n,b,255); puts(r<0?"none":b); }
int main(){ int f=open("/tmp/fdn",O_CREAT|O_RDWR,0600); show(f); rename("/tmp/fdn","/tmp/fdm"); show(f); int g=dup(f); show(g); unlink("/tmp/fdm"); show(f); show(open("/dev/null",O_RDONLY)); show(open("/tmp",O_RDONLY)); show(memfd_create("mm",0)); char r[4096]; puts(realpath("/tmp/../tmp/./",r)?r:"none"); }
