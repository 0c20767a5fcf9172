import Glibc

@main struct EmbedRules {
  static func main() {
    let f = unsafe fopen(CommandLine.arguments[1], "w"); unsafe fclose(f)
  }
}
