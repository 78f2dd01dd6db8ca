/* SPDX-License-Identifier: MIT */
/*
 * What the built-in tools say in Chinese and Portuguese; their English texts are with their code.  A row for each text, in the
 * order of the registry: a test finds what is missing or left over.
 */
#include "tool/internal.h"

const tool_text tool_texts[] = {
    /* of every tool */
    {NULL, "session_id", "调用所属的会话", "A conversa a que a chamada pertence"},

    {"file_read", NULL, "读取工作区中的文本文件，或其中一段行。",
     "Lê um arquivo de texto do espaço de trabalho, ou um intervalo de suas linhas."},
    {"file_read", "file_path", "文件路径，绝对路径或相对于工作区",
     "Caminho do arquivo, absoluto ou relativo ao espaço de trabalho"},
    {"file_read", "start_line", "起始行，从 0 开始计数", "Primeira linha, contada a partir de 0"},
    {"file_read", "end_line", "读到这一行之前为止；null 表示读到末尾", "Linha antes da qual parar; null lê até o fim"},
    {"file_read", "include_line_numbers", "在每行内容前加上行号（从 1 开始）",
     "Põe o número (a partir de 1) antes de cada linha do conteúdo"},

    {"file_write", NULL, "写入工作区中的文本文件；文件及其目录不存在时自动创建。",
     "Escreve um arquivo de texto do espaço de trabalho; cria o arquivo e suas pastas quando não existem."},
    {"file_write", "file_path", "文件路径，绝对路径或相对于工作区",
     "Caminho do arquivo, absoluto ou relativo ao espaço de trabalho"},
    {"file_write", "content", "要写入的文本", "O texto a escrever"},
    {"file_write", "mode", "overwrite 替换整个文件，append 追加到末尾",
     "overwrite substitui o arquivo, append acrescenta ao fim"},

    {"file_update", NULL,
     "通过查找替换或按行范围修改工作区中的文本文件。除非设置 replace_all，查找的文本必须恰好出现一次。",
     "Edita um arquivo de texto do espaço de trabalho por busca e substituição ou por intervalos de linhas. O texto "
     "buscado deve ocorrer exatamente uma vez, a menos que replace_all esteja ligado."},
    {"file_update", "file_path", "文件路径，绝对路径或相对于工作区",
     "Caminho do arquivo, absoluto ou relativo ao espaço de trabalho"},
    {"file_update", "operations", "修改操作，全部执行或全部不执行。行范围以文件当前内容为准。",
     "Edições, aplicadas todas ou nenhuma. Os intervalos de linhas se referem ao arquivo como está agora."},
    {"file_update", "operations.search_pattern", "要查找的文本，按字面匹配；字面上找不到时按正则表达式匹配",
     "Texto a encontrar, literalmente; como expressão regular quando não ocorre literalmente"},
    {"file_update", "operations.start_line", "范围的第一行，从 0 开始计数",
     "Primeira linha do intervalo, contada a partir de 0"},
    {"file_update", "operations.end_line", "范围的最后一行，包含在内", "Última linha do intervalo, incluída"},

    {"apply_patch", NULL, "用一个补丁修改工作区中的多个文件：全部成功或全部不变。",
     "Altera vários arquivos do espaço de trabalho com um patch: tudo ou nada."},
    {"apply_patch", "patch",
     "*** Begin Patch，然后是各节：*** Add File: 路径（各行以 + 开头），*** Update File: 路径（可接 *** Move to: "
     "路径，再接修改块：@@ 锚点，各行以 ' '、'-' 或 '+' 开头），*** Delete File: 路径，最后是 *** End "
     "Patch。路径相对于工作区",
     "*** Begin Patch, depois seções *** Add File: CAMINHO (linhas começam com +), *** Update File: CAMINHO "
     "(opcionalmente *** Move to: CAMINHO, depois blocos: @@ âncora, linhas que começam com ' ', '-' ou '+'), *** "
     "Delete File: CAMINHO, e por fim *** End Patch. Os caminhos são relativos ao espaço de trabalho"},

    {"grep", NULL, "用正则表达式搜索工作区文件的内容。",
     "Pesquisa o texto dos arquivos do espaço de trabalho por expressão regular."},
    {"grep", "pattern", "正则表达式（Perl 语法）", "Expressão regular (sintaxe Perl)"},
    {"grep", "path", "文件或目录；省略时为整个工作区", "Arquivo ou pasta; o próprio espaço de trabalho quando omitido"},
    {"grep", "glob", "只搜索与此路径模式匹配的文件，例如 \"*.py\"",
     "Apenas arquivos que correspondem a este padrão de caminho, como \"*.py\""},
    {"grep", "type", "只搜索此类型的文件，例如 py、js、c、md", "Apenas arquivos deste tipo, como py, js, c, md"},
    {"grep", "output_mode", "content 显示匹配的行，files_with_matches 显示路径，count 显示每个文件的匹配数",
     "content mostra as linhas, files_with_matches os caminhos, count a quantidade por arquivo"},
    {"grep", "case_insensitive", "忽略大小写", "Ignora maiúsculas e minúsculas"},
    {"grep", "multiline", "允许匹配跨越换行", "Permite que uma ocorrência ultrapasse o fim da linha"},
    {"grep", "before_lines", "每处匹配之前显示的行数", "Linhas a mostrar antes de cada ocorrência"},
    {"grep", "after_lines", "每处匹配之后显示的行数", "Linhas a mostrar depois de cada ocorrência"},
    {"grep", "context_lines", "前后两侧显示的行数", "Linhas a mostrar dos dois lados"},
    {"grep", "head_limit", "最多返回的条目数", "Máximo de entradas a retornar"},

    {"glob", NULL, "按路径模式查找文件，最新的在前。",
     "Encontra arquivos por um padrão do caminho, os mais recentes primeiro."},
    {"glob", "pattern", "例如 \"**/*.py\" 或 \"src/*.{c,h}\"；不含斜杠时匹配任意目录中的文件名",
     "Como \"**/*.py\" ou \"src/*.{c,h}\"; sem barra vale para nomes em qualquer pasta"},
    {"glob", "path", "要查找的目录；省略时为整个工作区",
     "Pasta onde procurar; o próprio espaço de trabalho quando omitida"},
    {"glob", "head_limit", "最多返回的文件数", "Máximo de arquivos a retornar"},

    {"list_dir", NULL, "以树形显示工作区中的文件和目录。",
     "Mostra os arquivos e pastas do espaço de trabalho em árvore."},
    {"list_dir", "path", "目录，绝对路径或相对于工作区；省略时为工作区本身",
     "Pasta, absoluta ou relativa ao espaço de trabalho; o próprio espaço de trabalho quando omitida"},
    {"list_dir", "depth", "显示的层数，最多 10 层", "Quantos níveis mostrar, no máximo 10"},
    {"list_dir", "max_items_per_dir", "每个目录显示的条目数", "Entradas mostradas de cada pasta"},
    {"list_dir", "include_hidden", "显示以点开头的名称", "Mostra nomes que começam com ponto"},

    {"execute_shell_command", NULL,
     "在沙箱中于工作区内执行 shell 命令。运行时间超过 block_until_ms 的命令转入后台继续执行。",
     "Executa um comando do shell no espaço de trabalho, em um sandbox. Comandos que demoram mais que block_until_ms "
     "continuam em segundo plano."},
    {"execute_shell_command", "command", "交给 shell 的命令文本", "Texto para o shell"},
    {"execute_shell_command", "workdir", "执行命令的目录；省略时为工作区本身",
     "Pasta onde executar; o próprio espaço de trabalho quando omitida"},
    {"execute_shell_command", "block_until_ms", "等待命令结束的毫秒数；0 表示立即转入后台",
     "Quanto esperar pelo fim, em milissegundos; 0 deixa o comando logo em segundo plano"},
    {"execute_shell_command", "env_vars", "环境变量，以 JSON 对象文本表示",
     "Variáveis de ambiente, como texto de um objeto JSON"},

    {"await_shell", NULL, "等待后台命令结束，或等待其输出与模式匹配。",
     "Espera que um comando em segundo plano termine, ou que sua saída corresponda a um padrão."},
    {"await_shell", "task_id", "来自 execute_shell_command", "De execute_shell_command"},
    {"await_shell", "block_until_ms", "等待的毫秒数", "Quanto esperar, em milissegundos"},
    {"await_shell", "pattern", "正则表达式：输出一旦匹配就返回",
     "Expressão regular: retorna assim que a saída corresponder"},

    {"kill_shell", NULL, "结束一个后台命令。", "Encerra um comando em segundo plano."},
    {"kill_shell", "task_id", "来自 execute_shell_command", "De execute_shell_command"},

    {"fetch_webpages", NULL, "获取网页并以文本返回；全文以及非网页的文件保存在工作区中。",
     "Busca páginas da web e as devolve como texto; guarda o texto completo, e os arquivos que não são páginas, no "
     "espaço de trabalho."},
    {"fetch_webpages", "urls", "地址，http 或 https", "Endereços, http ou https"},
    {"fetch_webpages", "max_length_per_url", "回答中每个网页的字符数；全文保存在工作区中",
     "Caracteres de cada página na resposta; o texto inteiro fica guardado no espaço de trabalho"},
    {"fetch_webpages", "timeout", "每个网页的超时秒数", "Segundos para cada página"},
    {"fetch_webpages", "retries", "失败的网页重试的次数", "Quantas vezes tentar de novo uma página que falhou"},

    {"todo_write", NULL,
     "创建本会话的任务清单，或修改其中的任务。只发送新增或有变化的任务；同一时间只保持一个任务进行中。",
     "Cria a lista de tarefas desta conversa ou altera tarefas dela. Envie apenas o que é novo ou mudou; mantenha uma "
     "tarefa em andamento por vez."},
    {"todo_write", "tasks", "新任务和有变化的任务；未列出的任务保持不变",
     "Tarefas novas e alteradas; as que ficam de fora permanecem como estão"},
    {"todo_write", "tasks.id", "简短且唯一，例如 t1", "Curto e único, como t1"},
    {"todo_write", "tasks.content", "要做的事；新任务必填", "O que deve ser feito; necessário em uma tarefa nova"},
    {"todo_write", "tasks.conclusion", "完成时的结果", "O que resultou, quando concluída"},

    {"todo_read", NULL, "列出本会话中未完成的任务。", "Lista as tarefas não concluídas desta conversa."},

    {"search_memory", NULL, "搜索工作区的文档和以前的对话。",
     "Pesquisa os documentos do espaço de trabalho e as conversas anteriores."},
    {"search_memory", "query", "要查找的词", "Palavras a procurar"},
    {"search_memory", "top_k", "最多返回的文件数和消息数", "Máximo de arquivos e mensagens a retornar"},

    {"analyze_image", NULL, "在下一次请求中把工作区或网络上的一张图片展示给模型。",
     "Mostra ao modelo uma imagem do espaço de trabalho ou da web na próxima requisição."},
    {"analyze_image", "image_path", "PNG、JPEG、GIF 或 WebP 图片在工作区中的路径，或其 URL",
     "Caminho no espaço de trabalho, ou URL, de uma imagem PNG, JPEG, GIF ou WebP"},
    {"analyze_image", "prompt", "需要关注的内容", "O que procurar"},

    {"questionnaire_async", NULL, "用表单向用户提问并结束本轮；回答会作为下一条消息到来。",
     "Faz perguntas ao usuário por um formulário e encerra o turno; as respostas chegam como a próxima mensagem."},
    {"questionnaire_async", "questions", "要提的问题", "As perguntas a fazer"},
    {"questionnaire_async", "questions.options", "文本或 {value, label}；用于选择题",
     "Textos ou {value, label}; para escolhas"},
    {"questionnaire_async", "questions.default", "一个选项、选项列表或文本",
     "Uma opção, uma lista de opções ou um texto"},
    {"questionnaire_async", "title", "问卷的标题", "Título do questionário"},

    {"tool_expand_tools", NULL, "请求已存在但本次请求未提供的工具。",
     "Pede ferramentas que existem mas não foram oferecidas nesta requisição."},
    {"tool_expand_tools", "tool_names", "所需工具的名称", "Nomes das ferramentas necessárias"},

    {"turn_status", NULL,
     "说明本轮是否结束：任务完成、需要用户回答、被某事阻碍，或工作仍在继续。应先用文字写出给用户看的内容。",
     "Diz se este turno terminou: a tarefa está feita, o usuário precisa responder, algo a bloqueia, ou o trabalho "
     "continua. Escreva antes, como texto, o que o usuário deve ler."},
    {"turn_status", "status", "工作的状态", "Em que ponto está o trabalho"},
    {"turn_status", "note", "一句说明，供日志使用", "Uma frase sobre isso, para o registro"},

    {"get_current_time", NULL, "告知当前的日期、时间和星期。", "Informa a data, a hora e o dia da semana atuais."},
    {"get_current_time", "timezone", "时区名称，例如 Asia/Shanghai；省略时为服务器的时区",
     "Nome de um fuso horário, como Asia/Shanghai; o do servidor quando omitido"},
};

const size_t tool_texts_count = COUNT(tool_texts);
