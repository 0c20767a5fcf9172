user = "❤️"
