/// Every bound on what a scan spends on hostile input. Reaching one is stated as an `anomaly` fact with subject
/// `limit.<name>`, and makes the scan incomplete.
public struct Limits: Sendable, Hashable {
  /// Nested artifacts below a file (zip in zip in pickle …). Levels; 16: real models stay below 4.
  public var depth = 16
  /// Child artifacts opened below one file. Count; 20,000: the largest real archives hold about 10,000 members.
  public var artifacts = 20_000
  /// Decoded bytes of all compressed members of one file together. Bytes; 8 GiB.
  public var expandedBytes = 8 << 30
  /// Decoded bytes of one compressed member or file. Bytes; 8 GiB: checkpoints of gigabytes travel in `.tar.gz`. They
  /// are decoded into a temporary file, not into memory.
  public var memberBytes = 8 << 30
  /// Decoded bytes that stay in memory. Bytes; 4 MiB: what is longer goes to a temporary file.
  public var spoolBytes = 4 << 20
  /// One thing that has to be in memory as a whole: a zip's directory, what is searched for hidden records, a member
  /// where no temporary file can be made. Bytes; 64 MiB: the largest real `data.pkl` seen is 20 MB.
  public var heldBytes = 64 << 20
  /// Memory that one decompressor may want. Bytes; 160 MiB: `xz -9` wants 65 MiB, and zstd's readers stop at 128.
  public var codecBytes = 160 << 20
  /// Decoded size over encoded size. Ratio; 200: deflate cannot pass 1,032, real pickles stay under 30. Applied only
  /// above one mebibyte of output.
  public var expansionRatio = 200
  /// Members of one archive's directory. Count; 200,000.
  public var members = 200_000
  /// Nesting of JSON and of other trees. Levels; 512: twice what Python's own reader takes by default.
  public var nesting = 512
  /// Length of a safetensors header. Bytes; 100 MB: the reference implementation's own bound.
  public var safetensorsHeader = 100_000_000
  /// Header, metadata and table of tensors of a GGUF file. Bytes; 128 MiB: the largest vocabulary takes 20 MB.
  public var ggufMetadata = 128 << 20
  /// Keys of a GGUF file. Count; 65,536: real files have about 40.
  public var ggufKeys = 1 << 16
  /// Tensors of a file that lists them one by one (GGUF, GGML, Paddle). Count; 262,144: the largest models have about 2,000.
  public var tensors = 1 << 18
  /// A chat template that is stated whole. Bytes; 1 MiB: real ones stay below 20 KB.
  public var templateBytes = 1 << 20
  /// Nodes of a template's tree. Count; 262,144: the largest real template has about 4,000.
  public var jinjaNodes = 1 << 18
  /// Blocks, brackets and signs of a template that are open in one another. Levels; 192: Jinja2 itself, which is written
  /// in Python, gives up at about 70 brackets.
  public var jinjaDepth = 192
  /// Steps taken to find out what the expressions of a template are. Count; 1,048,576: real ones take some 20,000.
  public var jinjaSteps = 1 << 20
  /// Steps through a FlatBuffers file: tables, numbers of vectors, 64 bytes of text. Count; 16,777,216: the largest
  /// real graphs take about two million, and offsets may lead to one place many times.
  public var flatBufferSteps = 1 << 24
  /// Items of a MessagePack file. Count; 67,108,864: a second's work; parameters are few items of many bytes.
  public var messagePackItems = 1 << 26
  /// A JSON document. Bytes; 256 MiB: the largest real tokenizer is about 35 MB.
  public var jsonBytes = 256 << 20
  /// Keys of the objects of a JSON document that are open at one time. Count; 4,194,304: the largest vocabulary has
  /// about 260,000 entries; some fifty bytes each.
  public var jsonKeys = 1 << 22
  /// Key paths stated by one JSON document. UTF-8 bytes; 64 MiB.
  public var jsonPaths = 64 << 20
  /// Values stated by one JSON document. Count; 200,000.
  public var values = 200_000
  /// Ids of a vocabulary, the highest and one. Count; 16,777,216: the largest real vocabularies have about 260,000 tokens.
  public var tokenIds = 1 << 24
  /// Tokens that are added to a vocabulary, or pieces of one, held at a time. Count; 1,048,576: speech models add 65,536.
  public var addedTokens = 1 << 20
  /// Added tokens that are plain marks and are stated all the same. Count; 512: models have some 10 to 300 that they use.
  public var plainTokens = 512
  /// Values of a tokenizer's normaliser, decoder and the like. Count; 65,536: real ones have some 100.
  public var tokenizerNodes = 1 << 16
  /// A script, a list of requirements or a settings file of a repository. Bytes; 4 MiB: people write these.
  public var repositoryText = 4 << 20
  /// Commands of one shell text. Count; 50,000: generated configure scripts have some 20,000.
  public var shellCommands = 50_000
  /// A YAML text. Bytes; 32 MiB: libyaml copies it once; configurations stay below 1 MB.
  public var yamlBytes = 32 << 20
  /// Metadata at the head of a Markdown file. Bytes; 1 MiB: long lists of languages and results take some 100 KB.
  public var frontMatter = 1 << 20
  /// A Markdown file. Bytes; 4 MiB: people write these.
  public var markdownBytes = 4 << 20
  /// Keys of the mappings of a YAML text that are open at one time. Count; 1,048,576.
  public var yamlKeys = 1 << 20
  /// Anchors of a YAML text. Count; 100,000.
  public var yamlAnchors = 100_000
  /// Values of a YAML text that are stated once more where an alias to them stands. Count; 8,192.
  public var yamlAliasValues = 8192
  /// Nodes that one anchor of a YAML text may stand for, aliases followed, before it is called a bomb. Count; 1,000,000.
  public var yamlAliasNodes = 1_000_000
  /// Header of a NumPy array. Bytes; 1 MiB: NumPy itself takes 10,000 unless it may unpickle.
  public var npyHeader = 1 << 20
  /// Links and dense attributes of one HDF5 file. Count; 100,000: the largest models have about 20,000 weights.
  public var hdf5Objects = 100_000
  /// Structures of one HDF5 file (headers, trees, heaps; never elements) that are read. Bytes; 64 MiB: about 2 KB for
  /// each group and weight.
  public var hdf5Structures = 64 << 20
  /// Chunks of one HDF5 dataset of bytes, and rows of one that holds lists of bytes. Count; 65,536: each row may be a
  /// pickle of its own.
  public var hdf5Chunks = 1 << 16
  /// One chunk of an HDF5 dataset of bytes, and a whole one that may be a pickle; sixteen times that for all chunks of a
  /// file. Bytes; 32 MiB: libhdf5 keeps chunks of 1 MiB in its cache.
  public var hdf5ChunkBytes = 32 << 20
  /// Values of one marshal stream. Count; 1,048,576: the largest module of the standard library has about 20,000.
  public var marshalValues = 1 << 20
  /// Opcodes of one pickle stream. Count; 1,000,000,000: a 100 MB pickle has 55 million.
  public var pickleOpcodes = 1_000_000_000
  /// Memo slots of one pickle. Count; 16,777,216: eight bytes each.
  public var pickleMemo = 1 << 24
  /// Callables that a pickle puts into dicts and objects. Count; 65,536: models hold some hundred functions.
  public var pickleAttributes = 1 << 16
  /// Different globals that one pickle names. Count; 20,000: 1,441 real files name 707 in all.
  public var pickleGlobals = 20_000
  /// Objects on a pickle's stack. Count; 4,194,304: CPython's pickler batches by 1,000.
  public var pickleStack = 1 << 22
  /// Everything else a pickle's symbolic run holds (tuples, containers, call results). Bytes; 96 MiB.
  public var pickleHeap = 96 << 20
  /// Elements of one packed list of a protocol buffer that are looked at (dimensions). Count; 65,536: no tensor has a
  /// hundred.
  public var protobufElements = 1 << 16
  /// A line operand (GLOBAL, INT, STRING …) of a pickle. Bytes; 16 MiB: texts of protocol 0 are one line.
  public var pickleLine = 1 << 24
  /// Pickles, archives and programs that one text carries in base64 or hexadecimal digits. Count; 1,024.
  public var encodedTexts = 1024
  /// Different operators of one graph, constants they are given included. Count; 20,000: real graphs have hundreds.
  public var operators = 20_000
  /// Source code of one Python module. Bytes; 16 MiB: the largest file of CPython's library is 1.4 MB.
  public var pythonSource = 16 << 20
  /// Nodes of a Python module's tree. Count; 4,194,304, of 24 bytes: ordinary source has one for ten bytes of text.
  public var pythonNodes = 1 << 22
  /// Constructs of Python that are open in one another. Levels; 65,536: CPython itself stops at 200 brackets, 100
  /// blocks and about 6,000 others.
  public var pythonDepth = 1 << 16
  /// Levels of a Python expression, through the names in it, that are followed to find out what it is. Levels; 128: no
  /// file of CPython's library or of transformers needs 40.
  public var pythonMeaning = 128
  /// Steps of that for one module. Count; 524,288: ordinary source takes two for each call.
  public var pythonSteps = 1 << 19
  /// A record of hashes or signatures. Bytes; 32 MiB: the file list of a repository of 100,000 files takes 25 MB.
  public var recordBytes = 32 << 20
  /// Files that the records of a scan list, each with every record that lists it. Count; 250,000: some 300 bytes each;
  /// the largest repositories hold about 100,000 files.
  public var recordEntries = 250_000
  /// Files of one record about which the same is wrong, each told on its own. Count; 1,000: the rest are counted.
  public var recordFindings = 1000
  /// Levels of a JSON record. Count; 64: real ones stay below 16.
  public var recordNesting = 64
  /// Values of a JSON record. Count; 4,194,304 of 40 bytes.
  public var recordValues = 1 << 22
  /// Facts of one artifact. Count; 100,000: identical ones coalesce first.
  public var facts = 100_000
  /// Characters of one rendered argument list. Count; 400.
  public var argumentCharacters = 400
  /// Files of one scan. Count; 10,000,000.
  public var files = 10_000_000

  public init() {}

  public static let standard = Limits()
}
