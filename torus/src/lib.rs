#![doc = include_str!("../README.md")]
#![no_std]
#![deny(unsafe_code)]
